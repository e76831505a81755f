#include "check/convolutions/convolved.h"

#include <array>
#include <sstream>

namespace lm {

using at::Tensor;

Numbers draw_numbers(Rng& rng, const Shape& s) {
  Numbers n;
  n.x = normal(rng, {s.images, s.in, s.height, s.width}, s.type);
  n.weight = normal(rng, {s.out, s.in / s.sliding.groups, s.kernel[0], s.kernel[1]}, s.type);
  if (s.bias) n.bias = normal(rng, {s.out}, s.type);
  n.grad = normal(rng, {s.images, s.out, s.places(0), s.places(1)}, s.type);
  return n;
}

Convolved by_libtorch(const Numbers& n, const Sliding& s) {
  const std::array<int64_t, 1> sizes{n.weight.size(0)};
  auto [x, weight, bias] = at::convolution_backward(
      n.grad, n.x, n.weight, n.bias.defined() ? at::OptionalIntArrayRef(sizes) : std::nullopt, s.stride,
      s.padding, {1, 1}, false, {0, 0}, s.groups, {true, true, n.bias.defined()});
  return {convolve(n.x, n.weight, n.bias, s), x, weight, bias};
}

std::string errors(const Convolved& found, const Numbers& n, const Sliding& s, bool windows) {
  const auto wide = [](const Tensor& t) { return t.defined() ? t.to(at::kDouble).contiguous() : t; };
  const auto size = [&](const Tensor& t) { return t.defined() ? wide(t).abs() : t; };
  const Convolved right = by_libtorch({wide(n.x), wide(n.weight), wide(n.bias), wide(n.grad), {}}, s);
  const Convolved sizes =
      by_libtorch({n.size.defined() ? n.size : size(n.x), size(n.weight), size(n.bias), size(n.grad), {}}, s);
  const Tensor of_weight = windows ? sizes.weight.amax({2, 3}, /*keepdim=*/true) : sizes.weight;
  std::ostringstream out;
  out << "\"output\":" << error(found.output, right.output, sizes.output)
      << ",\"x\":" << error(found.x, right.x, sizes.x)
      << ",\"weight\":" << error(found.weight, right.weight, of_weight)
      << ",\"bias\":" << error(found.bias, right.bias, sizes.bias);
  return out.str();
}

}  // namespace lm
