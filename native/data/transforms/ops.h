// The operations of a transform, by file; src/transforms/ops.ts says what each does and checked its
// parameters.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "data/transforms/transform.h"

namespace lm {

struct OpRow {
  std::string_view kind;
  std::unique_ptr<ImageOp> (*make)(const Value& spec, const Normalisation& normalisation);
};

// Operations that need only a part of the image.
struct DecodeRow {
  std::string_view kind;
  std::unique_ptr<DecodeOp> (*make)(const Value& spec);
};

std::span<const DecodeRow> crop_rows();
std::span<const DecodeRow> resize_rows();
std::span<const OpRow> flip_rows();
std::span<const OpRow> colour_rows();
std::span<const OpRow> affine_rows();
std::span<const OpRow> policy_rows();
std::span<const OpRow> auto_augment_rows();
std::span<const OpRow> erase_rows();

// `resize` and the `centerCrop` that follows it, of which only what is shown is resampled.
std::unique_ptr<DecodeOp> make_resize_crop(const Value& resize, const Value& crop);

// An operation made of a function of (Rng&, TransformScratch&).
template <typename Body>
std::unique_ptr<ImageOp> make_op(Body body) {
  struct Op final : ImageOp {
    explicit Op(Body body) : body(std::move(body)) {}
    void apply(Rng& rng, TransformScratch& scratch) const override { body(rng, scratch); }
    Body body;
  };
  return std::make_unique<Op>(std::move(body));
}

// The mean of a network's normalisation as a colour; a gray network has one level for all channels.
std::array<uint8_t, 3> mean_colour(const Normalisation& normalisation);

struct Range {
  double low, high;
  double draw(Rng& rng) const { return low + (high - low) * rng.uniform(); }
};

inline Range range_of(const Value& spec) {
  const std::vector<double> ends = spec.numbers();
  LM_CHECK(ends.size() == 2, "ERR_CONFIG", "Expected a range of two numbers");
  return {ends[0], ends[1]};
}

inline int draw_below(Rng& rng, int limit) {
  return static_cast<int>(rng.below(static_cast<uint64_t>(std::max(1, limit))));
}

}  // namespace lm
