// Convolutions of training in bfloat16 by our own loops: which there are loops for, and the gradient of x as
// the convolution that it is, of weights that are turned about.

#include "core/kernels/cpu/cpu.h"
#include "core/kernels/cpu/tiles/image.h"

namespace lm::cpu {
namespace {

using at::Tensor;

bool is_maps(const Tensor& t) {
  return (t.scalar_type() == at::kBFloat16 || t.scalar_type() == at::kFloat) && t.dim() == 4 &&
         t.stride(1) == 1;
}

Tensor in_float32(const Tensor& t) { return t.defined() ? t.to(at::kFloat).contiguous() : t; }

}  // namespace

bool by_tiles(at::IntArrayRef, at::IntArrayRef weight, const Sliding& s) {
  const TileGroups groups(weight, s.groups);
  constexpr int64_t kMostJoined = 4;  // most of whose products are with zeros
  if (groups.joined > kMostJoined || s.groups % groups.joined != 0) return false;
  if (groups.channels % kTile != 0 || groups.filters % kTile != 0) return false;
  if (s.stride[0] != s.stride[1]) return false;
  return s.padding[0] < weight[2] && s.padding[1] < weight[3];
}

bool by_tiles(const Convolution& c) {
  return is_maps(c.x) && c.weight.dim() == 4 && by_tiles(c.x.sizes(), c.weight.sizes(), c.sliding);
}

void convolve_by_tiles(const Convolution& c, const Tensor& out, const TileSet& set) {
  const Tensor bias = in_float32(c.bias);
  if (is_pointwise(c.weight.sizes(), c.sliding) && c.sliding.stride[0] > 1) {
    const Tensor x = seen(c.x, c.sliding);
    return convolve_by_tiles({x, c.weight, c.bias, Sliding{}, c.norm, c.found}, out, set);
  }
  const TileGroups groups(c.weight.sizes(), c.sliding.groups);
  const TileImages images(c);
  const Tensor weight = pack_tiles(c.weight, c.sliding.groups, false, set);
  convolve_tiles({images, groups, weight, bias, {c.weight.size(2), c.weight.size(3)}, c.sliding, out}, set);
}

namespace {

void gradient_of_x(const Convolution& c, const Tensor& grad, const Tensor& to, const TileSet& set) {
  const auto [ph, pw] = c.sliding.padding;
  TileGroups groups(c.weight.sizes(), c.sliding.groups);
  std::swap(groups.filters, groups.channels);
  const TileImages images(grad, c.sliding.stride[0]);
  const std::array<int64_t, 2> kernel{c.weight.size(2), c.weight.size(3)};
  const Sliding back{.padding = {kernel[0] - 1 - ph, kernel[1] - 1 - pw}, .groups = c.sliding.groups};
  const Tensor weight = pack_tiles(c.weight, c.sliding.groups, true, set);
  convolve_tiles({images, groups, weight, Tensor(), kernel, back, to}, set);
}

}  // namespace

void convolve_backward_by_tiles(const Convolution& c, const Tensor& grad, const Gradients& to,
                                const TileSet& set) {
  if (is_pointwise(c.weight.sizes(), c.sliding) && c.sliding.stride[0] > 1) {
    const Tensor x = seen(c.x, c.sliding), of_x = to.x.defined() ? seen(to.x.zero_(), c.sliding) : to.x;
    return convolve_backward_by_tiles({x, c.weight, c.bias, Sliding{}, c.norm, c.found}, grad,
                                      {of_x, to.weight, to.bias}, set);
  }
  if (to.x.defined()) gradient_of_x(c, grad, to.x, set);
  if (to.weight.defined()) tile_weight_gradient(TileImages(c), grad, c.sliding, to.weight, set);
  if (to.bias.defined()) to.bias.add_(grad.sum({0, 2, 3}, false, at::kFloat));
}

}  // namespace lm::cpu
