#include <cstring>

#include "data/transforms/ops.h"

namespace lm {
namespace {

void mirror(Image& image) {
  for (int y = 0; y < image.height(); ++y) {
    auto* left = reinterpret_cast<uint32_t*>(image.row(y));  // rows of 4-byte pixels are aligned
    std::reverse(left, left + image.width());
  }
}

void turn_over(Image& image) {
  const size_t bytes = static_cast<size_t>(image.width()) * 4;
  for (int y = 0; y < image.height() / 2; ++y)
    std::swap_ranges(image.row(y), image.row(y) + bytes, image.row(image.height() - 1 - y));
}

template <void (*kFlip)(Image&)>
std::unique_ptr<ImageOp> sometimes(const Value& spec, const Normalisation&) {
  return make_op([p = spec["p"].number()](Rng& rng, TransformScratch& scratch) {
    if (rng.uniform() < p) kFlip(scratch.image);
  });
}

}  // namespace

std::span<const OpRow> flip_rows() {
  static constexpr OpRow rows[] = {
      {"horizontalFlip", sometimes<mirror>},
      {"verticalFlip", sometimes<turn_over>},
  };
  return rows;
}

}  // namespace lm
