// Convolutions of training by our own loops: 3 x 3 with stride 1 by Winograd's algorithm, and those of narrow
// groups; the gradient of x as the convolution that it is, of weights that are turned about. All others are
// libtorch's.

#include <ATen/Parallel.h>

#include "core/kernels/cpu/convolutions/direct.h"
#include "core/kernels/cpu/convolutions/weights3x3.h"
#include "core/kernels/cpu/cpu.h"

namespace lm::cpu {
namespace {

using at::Tensor;

bool is_maps(const Tensor& t) { return t.scalar_type() == at::kFloat && t.dim() == 4 && t.stride(1) == 1; }

// For the result, or turned about for the gradient of x: [groups, filters / 16, 16 places, channels, 16].
Tensor packed(const Weights3x3& w, bool turned, const DirectSet& set) {
  const int64_t filters = turned ? w.channels : w.filters, channels = turned ? w.filters : w.channels;
  const int64_t blocks = filters / kLanes;
  const Tensor out = at::empty({w.groups, blocks, kPlaces, channels, kLanes}, at::kFloat);
  float* const to = out.data_ptr<float>();
  const int64_t size = kPlaces * channels * kLanes;
  constexpr int64_t kWorth = 1 << 14;
  at::parallel_for(0, w.groups * blocks, std::max<int64_t>(1, kWorth / size), [&](int64_t from, int64_t end) {
    for (int64_t i = from; i < end; ++i) {
      const int64_t group = i / blocks, first = i % blocks * kLanes;
      set.winograd_weights({.weight = w.data + group * w.filters * w.filter + first * (turned ? 1 : w.filter),
                            .filter = turned ? 1 : w.filter,
                            .tap = w.tap,
                            .channel = turned ? w.filter : 1,
                            .turned = turned,
                            .channels = channels,
                            .to = to + i * size});
    }
  });
  return out;
}

// out = x * weights + bias.
void slide(const Tensor& x, const Tensor& weight, const Tensor& bias, const Sliding& sliding,
           const Tensor& out, const DirectSet& set) {
  const Tensor none, added = bias.defined() ? bias.contiguous() : at::zeros({out.size(1)}, at::kFloat);
  convolve_fused({.x = x,
                  .scale = none,
                  .shift = none,
                  .weight = weight,
                  .bias = added,
                  .u = {},
                  .c = none,
                  .sliding = sliding,
                  .out = out},
                 set);
}

// Weights or their gradient in an order that the loops read.
bool is_weights(const Tensor& t) { return is_maps(t) && t.stride(2) == 3 * t.stride(3); }

}  // namespace

bool by_own_loops(const Convolution& c) {
  const Sliding& s = c.sliding;
  if (!is_maps(c.x) || c.weight.dim() != 4) return false;
  if (is_narrow(c.weight.sizes(), s)) return true;
  // What is summed of fewer pixels has fewer right digits than its products.
  constexpr int64_t kLeastPixels = 16;
  const int64_t height = c.x.size(2) + 2 * s.padding[0] - 2, width = c.x.size(3) + 2 * s.padding[1] - 2;
  return c.x.size(0) * height * width >= kLeastPixels && is_weights(c.weight) && c.weight.size(2) == 3 &&
         c.weight.size(3) == 3 && s.stride[0] == 1 && s.stride[1] == 1 &&
         std::max(s.padding[0], s.padding[1]) <= 2 && c.weight.size(1) % kLanes == 0 &&
         c.weight.size(0) / s.groups % kLanes == 0;
}

void convolve(const Convolution& c, const Tensor& out, const DirectSet& set) {
  const bool narrow = is_narrow(c.weight.sizes(), c.sliding);
  const Tensor weight =
      narrow ? pack_weight(c.weight, c.sliding) : packed(Weights3x3(c.weight, c.sliding.groups), false, set);
  slide(c.x, weight, c.bias, c.sliding, out, set);
}

namespace {

// That of x is a convolution of the other where the window moves by one; libtorch's where it does not.
void narrow_backward(const Convolution& c, const Tensor& grad, const Gradients& to, const DirectSet& set) {
  const Sliding& s = c.sliding;
  const std::array<int64_t, 2> padding{c.weight.size(2) - 1 - s.padding[0], 2 - s.padding[1]};
  if (to.x.defined() && s.stride[0] == 1 && s.stride[1] == 1 && std::min(padding[0], padding[1]) >= 0) {
    const Sliding back{.padding = padding, .groups = s.groups};
    const Tensor turned = c.weight.flip({2, 3}).unflatten(0, {s.groups, -1}).transpose(1, 2).flatten(0, 1);
    slide(grad, pack_weight(turned, back), Tensor(), back, to.x, set);
  } else if (to.x.defined()) {
    const Tensor none;
    plain_kernels.convolve_backward(c, grad, {to.x, none, none});
  }
  if (to.weight.defined()) narrow_weight_gradient(c.x, grad, s, to.weight, set);
}

void wide_backward(const Convolution& c, const Tensor& grad, const Gradients& to, const DirectSet& set) {
  if (to.x.defined()) {
    const auto [ph, pw] = c.sliding.padding;
    const Sliding back{.padding = {2 - ph, 2 - pw}, .groups = c.sliding.groups};
    slide(grad, packed(Weights3x3(c.weight, c.sliding.groups), true, set), Tensor(), back, to.x, set);
  }
  if (to.weight.defined()) winograd_weight_gradient(c.x, grad, c.sliding, to.weight, set);
}

}  // namespace

void convolve_backward(const Convolution& c, const Tensor& grad, const Gradients& to, const DirectSet& set) {
  (is_narrow(c.weight.sizes(), c.sliding) ? narrow_backward : wide_backward)(c, grad, to, set);
  if (to.bias.defined()) to.bias.add_(grad.sum({0, 2, 3}));
}

void convolve(const Convolution& c, const Tensor& out) {
  if (!by_own_loops(c) || !is_maps(out)) return plain_kernels.convolve(c, out);
  convolve(c, out, direct_set());
}

void convolve_backward(const Convolution& c, const Tensor& grad, const Gradients& to) {
  const bool fit =
      is_maps(grad) && (!to.x.defined() || is_maps(to.x)) && (!to.weight.defined() || is_weights(to.weight));
  if (!fit || !by_own_loops(c)) return plain_kernels.convolve_backward(c, grad, to);
  convolve_backward(c, grad, to, direct_set());
}

}  // namespace lm::cpu
