#include "data/pictures/blur.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace lm {
namespace {

constexpr int kPasses = 3;

// Gwosdek et al. 2011, equations 7, 11 and 14, in the float of Pillow.
float box_radius(float radius) {
  const float variance = radius * radius / kPasses;
  const float length = static_cast<float>(std::sqrt(12.0 * variance + 1.0));
  const float whole = static_cast<float>(std::floor((length - 1.0) / 2.0));
  const float part = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance);
  return whole + part / (6 * (variance - (whole + 1) * (whole + 1)));
}

// Weights in 24 bits: of the pixels that the box holds whole, and of the two at its ends.
struct BoxWeights {
  int reach;
  uint32_t whole, end;

  explicit BoxWeights(float radius)
      : reach(static_cast<int>(radius)),
        whole(static_cast<uint32_t>(static_cast<float>(1 << 24) / (radius * 2 + 1))),
        end(((1u << 24) - (static_cast<uint32_t>(reach) * 2 + 1) * whole) / 2) {}
};

// Mean of the pixels around each of a line, in steps of `step` bytes; beyond the line is its outermost pixel.
void blur_line(const uint8_t* from, uint8_t* to, int count, ptrdiff_t step, const BoxWeights& box) {
  const auto at = [&](int i) { return from + std::clamp(i, 0, count - 1) * step; };
  std::array<uint32_t, 3> sum{};
  for (int i = -box.reach; i <= box.reach; ++i)
    for (size_t c = 0; c < 3; ++c) sum[c] += at(i)[c];
  for (int i = 0; i < count; ++i, to += step) {
    const uint8_t *before = at(i - box.reach - 1), *first = at(i - box.reach), *after = at(i + box.reach + 1);
    for (size_t c = 0; c < 3; ++c) {
      const uint32_t level = sum[c] * box.whole + (before[c] + after[c]) * box.end;
      to[c] = static_cast<uint8_t>((level + (1u << 23)) >> 24);
      sum[c] += after[c] - first[c];
    }
  }
}

}  // namespace

void gaussian_blur(Image& image, Image& other, double radius) {
  const BoxWeights box(box_radius(static_cast<float>(radius)));
  other.resize(image.width(), image.height());
  for (int pass = 0; pass < kPasses; ++pass, std::swap(image, other))
    for (int y = 0; y < image.height(); ++y) blur_line(image.row(y), other.row(y), image.width(), 4, box);
  for (int pass = 0; pass < kPasses; ++pass, std::swap(image, other))
    for (int x = 0; x < image.width(); ++x)
      blur_line(image.row(0) + ptrdiff_t{x} * 4, other.row(0) + ptrdiff_t{x} * 4, image.height(),
                ptrdiff_t{image.width()} * 4, box);
}

}  // namespace lm
