#include "core/train/mixing.h"

#include <algorithm>
#include <cmath>

namespace lm {
namespace {

struct Span {
  int64_t start, end;
};

// So many places around a random one, cut off at the border.
Span random_span(int64_t size, double part, Rng& rng) {
  const auto length = static_cast<int64_t>(static_cast<double>(size) * part);
  const auto centre = static_cast<int64_t>(rng.below(static_cast<uint64_t>(size)));
  return {std::max<int64_t>(0, centre - length / 2), std::min(size, centre + (length + 1) / 2)};
}

// A box of the area 1 - lambda around a random centre; lambda becomes what the box leaves.
Mix draw_box(double lambda, int64_t height, int64_t width, Rng& rng) {
  const double part = std::sqrt(1 - lambda);
  const Span rows = random_span(height, part, rng), columns = random_span(width, part, rng);
  const auto area = static_cast<double>((rows.end - rows.start) * (columns.end - columns.start));
  return {.lambda = 1 - area / static_cast<double>(height * width),
          .cut = true,
          .box = {rows.start, rows.end, columns.start, columns.end}};
}

double scalar(const Value& spec, const char* name, double limit) {
  const double value = spec[name].number();
  LM_CHECK(value >= 0 && value <= limit, "ERR_CONFIG", "Expected `", name, "` in [0, ", limit,
           "] but received ", value);
  return value;
}

}  // namespace

MixingSpec MixingSpec::parse(const Value& spec) {
  constexpr double kLargest = 1e6;
  return {scalar(spec, "mixup", kLargest), scalar(spec, "cutmix", kLargest), scalar(spec, "switchProb", 1)};
}

Mix draw_mixing(const MixingSpec& spec, double probability, int64_t height, int64_t width, Rng rng) {
  if (!spec.mixes()) return {};
  if (rng.uniform() >= probability) return {};
  const bool cut = spec.mixup == 0 || (spec.cutmix > 0 && rng.uniform() < spec.switch_prob);
  const double alpha = cut ? spec.cutmix : spec.mixup;
  const double lambda = rng.beta(alpha, alpha);
  return cut ? draw_box(lambda, height, width, rng) : Mix{.lambda = lambda};
}

void write(const Mix& mix, std::span<double> into) {
  const Rectangle& box = mix.box;
  const double numbers[]{mix.cut ? 1 : mix.lambda, static_cast<double>(box.top),
                         static_cast<double>(box.bottom), static_cast<double>(box.left),
                         static_cast<double>(box.right)};
  std::copy(std::begin(numbers), std::end(numbers), into.begin());
}

}  // namespace lm
