// RandAugment and TrivialAugment: lists of operations, each with how strong it may be, as in torchvision.
#include <array>
#include <cmath>

#include "data/pictures/affine.h"
#include "data/pictures/colour.h"
#include "data/transforms/ops.h"

namespace lm {
namespace {

// What differs between the policies: the strengths at their upper end.
struct Extremes {
  float shear, translate_x, translate_y, degrees, factor, posterize;
};

// Value i of `bins` evenly from `start` to `end`, in float and with the one rounding of torch.linspace.
double spaced(float start, float end, int i, int bins) {
  const float step = (end - start) / static_cast<float>(bins - 1);
  return i < bins / 2 ? std::fma(step, static_cast<float>(i), start)
                      : std::fma(-step, static_cast<float>(bins - 1 - i), end);
}

// Bits that are kept: 8 less up to `most` of them.
int bits_at(float most, int i, int bins) {
  return 8 - static_cast<int>(std::nearbyint(static_cast<float>(i) / (static_cast<float>(bins - 1) / most)));
}

// One drawn operation on the scratch's image.
struct Stroke {
  TransformScratch& s;
  const Extremes& extremes;
  int strength, bins;
  bool negative;

  double signed_of(float end) const {
    const double value = spaced(0, end, strength, bins);
    return negative ? -value : value;
  }
  double factor() const { return 1.0 + signed_of(extremes.factor); }
};

struct PolicyOp {
  bool has_strength, has_sign;
  void (*apply)(const Stroke&);
};

constexpr PolicyOp kOps[] = {
    {false, false, [](const Stroke&) {}},
    {true, true, [](const Stroke& d) { shear_x(d.s.image, d.s.other, d.signed_of(d.extremes.shear)); }},
    {true, true, [](const Stroke& d) { shear_y(d.s.image, d.s.other, d.signed_of(d.extremes.shear)); }},
    {true, true,
     [](const Stroke& d) {
       translate(d.s.image, d.s.other, static_cast<int>(d.signed_of(d.extremes.translate_x)), 0);
     }},
    {true, true,
     [](const Stroke& d) {
       translate(d.s.image, d.s.other, 0, static_cast<int>(d.signed_of(d.extremes.translate_y)));
     }},
    {true, true, [](const Stroke& d) { rotate(d.s.image, d.s.other, d.signed_of(d.extremes.degrees)); }},
    {true, true, [](const Stroke& d) { brighten(d.s.image, d.factor()); }},
    {true, true, [](const Stroke& d) { saturate(d.s.image, d.factor()); }},
    {true, true, [](const Stroke& d) { change_contrast(d.s.image, d.factor()); }},
    {true, true, [](const Stroke& d) { sharpen(d.s.image, d.s.other, d.factor()); }},
    {true, false,
     [](const Stroke& d) { posterize(d.s.image, bits_at(d.extremes.posterize, d.strength, d.bins)); }},
    {true, false, [](const Stroke& d) { solarize(d.s.image, spaced(255, 0, d.strength, d.bins)); }},
    {false, false, [](const Stroke& d) { auto_contrast(d.s.image); }},
    {false, false, [](const Stroke& d) { equalize(d.s.image); }},
};

const PolicyOp& draw_op(Rng& rng) { return kOps[rng.below(std::size(kOps))]; }

int bins_of(const Value& spec) {
  const int64_t bins = spec["bins"].integer();
  LM_CHECK(bins >= 2 && bins < 10'000, "ERR_CONFIG", "Expected at least 2 bins but received ", bins);
  return static_cast<int>(bins);
}

std::unique_ptr<ImageOp> rand_augment(const Value& spec, const Normalisation&) {
  const int bins = bins_of(spec);
  const int64_t magnitude = spec["magnitude"].integer();
  LM_CHECK(magnitude >= 0 && magnitude < bins, "ERR_CONFIG", "Expected a magnitude below ", bins);
  return make_op([bins, strength = static_cast<int>(magnitude), count = spec["numOps"].integer()](
                     Rng& rng, TransformScratch& s) {
    const auto far = [](int side) { return static_cast<float>(150.0 / 331.0 * side); };
    const Extremes extremes{0.3f, far(s.image.width()), far(s.image.height()), 30.0f, 0.9f, 4.0f};
    for (int64_t i = 0; i < count; ++i) {
      const PolicyOp& op = draw_op(rng);
      const bool negative = op.has_sign && rng.below(2) == 1;
      op.apply({s, extremes, strength, bins, negative});
    }
  });
}

std::unique_ptr<ImageOp> trivial_augment(const Value& spec, const Normalisation&) {
  return make_op([bins = bins_of(spec)](Rng& rng, TransformScratch& s) {
    static constexpr Extremes kWide{0.99f, 32.0f, 32.0f, 135.0f, 0.99f, 6.0f};
    const PolicyOp& op = draw_op(rng);
    const int strength = op.has_strength ? draw_below(rng, bins) : 0;
    const bool negative = op.has_sign && rng.below(2) == 1;
    op.apply({s, kWide, strength, bins, negative});
  });
}

}  // namespace

std::span<const OpRow> policy_rows() {
  static constexpr OpRow rows[] = {{"randAugment", rand_augment}, {"trivialAugment", trivial_augment}};
  return rows;
}

}  // namespace lm
