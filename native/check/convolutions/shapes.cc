#include "check/convolutions/shapes.h"

#include <cmath>
#include <iterator>
#include <sstream>

namespace lm {

using at::Tensor;

int64_t one_of(Rng& rng, std::initializer_list<int64_t> values) {
  return values.begin()[rng.below(values.size())];
}

namespace {

// On both sides of the bounds of what oneDNN does wrong: the number of input channels, the stride.
const Shape bounds[]{
    {4, 4, 8, 64, 64, {1, 1}, {.stride = {2, 2}}, false, at::kFloat},
    {4, 7, 1, 64, 64, {1, 1}, {.stride = {2, 2}}, false, at::kFloat},
    {4, 8, 1, 64, 64, {1, 1}, {.stride = {2, 2}}, false, at::kFloat},
    {2, 15, 2, 30, 74, {1, 1}, {.stride = {2, 2}}, false, at::kFloat},
    {2, 16, 2, 30, 74, {1, 1}, {.stride = {2, 2}}, false, at::kFloat},
    {2, 8, 32, 69, 68, {1, 1}, {.stride = {3, 1}}, false, at::kFloat},
    {4, 12, 33, 48, 65, {1, 1}, {.stride = {2, 1}}, true, at::kFloat},
    {4, 5, 2, 66, 32, {1, 1}, {.stride = {1, 2}}, true, at::kFloat},
    {4, 5, 2, 66, 32, {1, 1}, {.stride = {1, 1}}, true, at::kFloat},
    {3, 6, 9, 33, 35, {1, 1}, {.stride = {2, 2}, .padding = {1, 1}}, true, at::kFloat},
    {2, 2, 16, 69, 62, {1, 1}, {.stride = {3, 1}}, true, at::kBFloat16},
    {2, 16, 16, 69, 62, {1, 1}, {.stride = {3, 1}}, true, at::kBFloat16},
    {2, 12, 24, 41, 43, {1, 1}, {.stride = {2, 2}, .groups = 4}, false, at::kFloat},
};

}  // namespace

// Channels about every vector width, groups of one, of some and of each channel, windows of every kind.
Shape draw_shape(uint64_t seed, uint64_t i) {
  if (i < std::size(bounds)) return bounds[i];
  Rng rng(seed, "convolution", i);
  Shape s{};
  s.type = static_cast<at::ScalarType>(
      one_of(rng, {int64_t(at::kFloat), int64_t(at::kFloat), int64_t(at::kBFloat16), int64_t(at::kHalf)}));
  s.images = one_of(rng, {1, 1, 2, 3, 4});
  const bool shortcut = rng.below(4) == 0;  // 1 x 1, as beside the first function of a stage
  const int64_t groups = shortcut ? 1 : one_of(rng, {1, 1, 1, 2, 3, 4, 8, 32});
  const bool depth_wise = !shortcut && rng.below(5) == 0;
  s.in = groups * one_of(rng, {1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33});
  s.out = groups * one_of(rng, {1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33});
  s.sliding.groups = groups;
  if (depth_wise) {
    s.sliding.groups = s.in;
    s.out = s.in * one_of(rng, {1, 1, 2});
  }
  const int64_t side = shortcut ? 1 : one_of(rng, {1, 2, 3, 3, 5, 7});
  for (int64_t& kernel : s.kernel) kernel = !shortcut && rng.below(5) == 0 ? one_of(rng, {1, 2, 3, 4}) : side;
  for (size_t axis = 0; axis < 2; ++axis) {
    s.sliding.padding[axis] = static_cast<int64_t>(
        rng.below(static_cast<uint64_t>(s.kernel[axis] / 2 + (rng.below(8) == 0 ? 2 : 1))));
    s.sliding.stride[axis] =
        axis == 1 && rng.below(4) != 0 ? s.sliding.stride[0] : one_of(rng, {1, 1, 2, 2, 3});
  }
  const uint64_t most = s.in > 64 ? 16 : rng.below(2) == 0 ? 24 : 80;
  s.height = s.kernel[0] + static_cast<int64_t>(rng.below(most));
  s.width = s.kernel[1] + static_cast<int64_t>(rng.below(most));
  s.bias = rng.below(3) == 0;
  return s;
}

std::string text(const Shape& s) {
  std::ostringstream out;
  out << "\"shape\":\"" << s.images << "x" << s.in << "x" << s.height << "x" << s.width << " -> " << s.out
      << ", kernel " << s.kernel[0] << "x" << s.kernel[1] << ", stride " << s.sliding.stride[0] << "x"
      << s.sliding.stride[1] << ", padding " << s.sliding.padding[0] << "x" << s.sliding.padding[1]
      << ", groups " << s.sliding.groups << (s.bias ? ", bias" : "") << "\",\"type\":\""
      << c10::toString(s.type) << "\"";
  return out.str();
}

Tensor normal(Rng& rng, at::IntArrayRef sizes, at::ScalarType type) {
  const Tensor out = at::empty(sizes, at::kDouble);
  for (int64_t i = 0; i < out.numel(); ++i) out.data_ptr<double>()[i] = rng.normal();
  const auto format = sizes.size() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  return out.to(type).contiguous(format);
}

double error(const Tensor& found, const Tensor& right, const Tensor& uncancelled) {
  if (!right.defined()) return 0;
  const double least = found.scalar_type() == at::kHalf ? std::ldexp(1, -14) : std::ldexp(1, -126);
  return ((found.to(at::kDouble) - right).abs() / uncancelled.clamp_min(least)).max().item<double>();
}

}  // namespace lm
