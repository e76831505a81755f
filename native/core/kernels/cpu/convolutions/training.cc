// Convolutions of training by our own loops: 3 x 3 with stride 1 by Winograd's algorithm, 1 x 1, and those of
// narrow groups; the gradient of x as the convolution that it is, of weights that are turned about. All
// others are libtorch's.

#include <ATen/Parallel.h>

#include "core/kernels/cpu/convolutions/read_input.h"
#include "core/kernels/cpu/convolutions/weights3x3.h"
#include "core/kernels/cpu/cpu.h"

namespace lm::cpu {

ReadInput::ReadInput(const Convolution& c) : x(c.x) {
  if (c.norm == nullptr) return;
  relu = c.norm->relu;
  scale = at::empty({x.size(1)}, at::kFloat);
  shift = at::empty({x.size(1)}, at::kFloat);
  norm_affine(*c.norm, *c.found, scale, shift);
}

namespace {

using at::Tensor;

constexpr int64_t kWorth = 1 << 12;  // numbers that are worth another thread

bool is_maps(const Tensor& t) { return t.scalar_type() == at::kFloat && t.dim() == 4 && t.stride(1) == 1; }

// For the result, or turned about for the gradient of x: [groups, filters / 16, 16 places, channels, 16].
Tensor packed(const Weights3x3& w, bool turned, const DirectSet& set) {
  const int64_t filters = turned ? w.channels : w.filters, channels = turned ? w.filters : w.channels;
  const int64_t blocks = filters / kLanes;
  const Tensor out = at::empty({w.groups, blocks, kPlaces, channels, kLanes}, at::kFloat);
  float* const to = out.data_ptr<float>();
  const int64_t size = kPlaces * channels * kLanes;
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

// Of 1 x 1, for the result or for the gradient of x: [1, filters / 16, 1, 1, channels, 16].
Tensor packed_pointwise(const Tensor& weight, bool turned) {
  const int64_t filters = weight.size(turned ? 1 : 0), channels = weight.size(turned ? 0 : 1);
  const int64_t filter = turned ? 1 : weight.stride(0), channel = turned ? weight.stride(0) : 1;
  const Tensor out = at::empty({1, filters / kLanes, 1, 1, channels, kLanes}, at::kFloat);
  const float* const from = weight.data_ptr<float>();
  float* const to = out.data_ptr<float>();
  at::parallel_for(0, filters / kLanes, std::max<int64_t>(1, kWorth / (channels * kLanes)),
                   [&](int64_t first, int64_t end) {
                     for (int64_t b = first; b < end; ++b)
                       for (int64_t c = 0; c < channels; ++c)
                         for (int64_t f = 0; f < kLanes; ++f)
                           to[(b * channels + c) * kLanes + f] =
                               from[(b * kLanes + f) * filter + c * channel];
                   });
  return out;
}

// out = x * weights + bias.
void slide(const ReadInput& x, const Tensor& weight, const Tensor& bias, const Sliding& sliding,
           const Tensor& out, const DirectSet& set) {
  const Tensor none, added = bias.defined() ? bias.contiguous() : at::zeros({out.size(1)}, at::kFloat);
  convolve_fused({.x = x.x,
                  .scale = x.scale,
                  .shift = x.shift,
                  .relu_before = x.relu,
                  .weight = weight,
                  .bias = added,
                  .u = {},
                  .c = none,
                  .sliding = sliding,
                  .out = out},
                 set);
}

bool moves_by_one(const Sliding& s) { return s.stride[0] == 1 && s.stride[1] == 1; }

// The pixels that windows of one see, one after the other.
Tensor gathered(const Tensor& x, const Sliding& s) {
  const Tensor some = seen(x, s);
  return at::empty(some.sizes(), x.options(), at::MemoryFormat::ChannelsLast).copy_(some);
}

// Weights or their gradient in an order that the loops read.
bool is_weights(const Tensor& t) {
  return is_maps(t) && (t.size(2) == 1 || t.stride(2) == t.size(3) * t.stride(3));
}

}  // namespace

bool by_own_loops(at::IntArrayRef x, at::IntArrayRef weight, const Sliding& s) {
  if (is_narrow(weight, s)) return true;
  const bool whole = weight[1] % kLanes == 0 && weight[0] / s.groups % kLanes == 0;
  if (!whole || !(moves_by_one(s) || is_pointwise(weight, s))) return false;
  // By Winograd's algorithm what is summed of fewer pixels has fewer right digits than its products; and it
  // takes as many that putting the weights in order pays.
  constexpr int64_t kLeastPixels = 16;
  const int64_t height = (x[2] + 2 * s.padding[0] - weight[2]) / s.stride[0] + 1,
                width = (x[3] + 2 * s.padding[1] - weight[3]) / s.stride[1] + 1;
  if (x[0] * height * width < kLeastPixels) return false;
  return is_pointwise(weight, s) ||
         (weight[2] == 3 && weight[3] == 3 && std::max(s.padding[0], s.padding[1]) <= 2);
}

bool by_own_loops(const Convolution& c) {
  return is_maps(c.x) && c.weight.dim() == 4 && by_own_loops(c.x.sizes(), c.weight.sizes(), c.sliding) &&
         (is_narrow(c.weight.sizes(), c.sliding) || is_weights(c.weight));
}

void convolve(const Convolution& c, const Tensor& out, const DirectSet& set) {
  if (is_pointwise(c.weight.sizes(), c.sliding) && !moves_by_one(c.sliding)) {
    const Tensor x = gathered(c.x, c.sliding);
    return convolve({x, c.weight, c.bias, Sliding{}, c.norm, c.found}, out, set);
  }
  const auto weight = [&] {
    if (is_narrow(c.weight.sizes(), c.sliding)) return pack_weight(c.weight, Tensor(), c.sliding);
    if (is_pointwise(c.weight.sizes(), c.sliding)) return packed_pointwise(c.weight, false);
    return packed(Weights3x3(c.weight, c.sliding.groups), false, set);
  };
  slide(ReadInput(c), weight(), c.bias, c.sliding, out, set);
}

namespace {

// What is convolved, in memory of its own: for libtorch's functions.
Tensor made_of_norm(const Convolution& c) {
  Tensor y = at::empty_like(c.x);
  NormKernels<float>::again(*c.norm, *c.found, y);
  return y;
}

// The gradient of the result with zeros between its columns where the window did not stop, without those that
// saw padding alone; and how many columns of zeros are to be beside it.
std::pair<Tensor, int64_t> spread(const Convolution& c, const Tensor& grad) {
  const auto [across, padding] = std::pair{c.sliding.stride[1], c.sliding.padding[1]};
  const int64_t width = c.x.size(3) + 2 * padding - 2, beside = std::max<int64_t>(0, padding - 2);
  Tensor all = grad;
  if (across > 1) {
    all = at::empty({grad.size(0), grad.size(1), grad.size(2), width}, grad.options(),
                    at::MemoryFormat::ChannelsLast);
    seen(all.zero_(), Sliding{.stride = {1, across}}).copy_(grad);
  }
  return {all.slice(3, beside, width - beside), 2 - padding + beside};
}

// Every so-many-th row of the gradient of x is the convolution of the other by every so-many-th row of
// weights, turned about.
void narrow_gradient_of_x(const Convolution& c, const Tensor& grad, const Tensor& to, const DirectSet& set) {
  const int64_t down = c.sliding.stride[0], groups = c.sliding.groups;
  const auto [all, beside] = spread(c, grad);
  for (int64_t row = 0; row < std::min(down, to.size(2)); ++row) {
    const int64_t at = row + c.sliding.padding[0];
    const Tensor rows = to.slice(2, row, to.size(2), down);
    if (at % down >= c.weight.size(2)) {
      rows.zero_();
      continue;
    }
    const Tensor weight = c.weight.slice(2, at % down, c.weight.size(2), down);
    const int64_t above = weight.size(2) - 1 - at / down;
    const Sliding back{.padding = {std::max<int64_t>(0, above), beside}, .groups = groups};
    const Tensor turned = weight.flip({2, 3}).unflatten(0, {groups, -1}).transpose(1, 2).flatten(0, 1);
    const Tensor seen_by = all.slice(2, std::max<int64_t>(0, -above), all.size(2));
    slide(ReadInput(seen_by), pack_weight(turned, Tensor(), back), Tensor(), back, rows, set);
  }
}

void narrow_backward(const Convolution& c, const Tensor& grad, const Gradients& to, const DirectSet& set) {
  if (to.x.defined()) narrow_gradient_of_x(c, grad, to.x, set);
  if (to.weight.defined()) narrow_weight_gradient(ReadInput(c), grad, c.sliding, to.weight, set);
}

void wide_backward(const Convolution& c, const Tensor& grad, const Gradients& to, const DirectSet& set) {
  if (to.x.defined()) {
    const auto [ph, pw] = c.sliding.padding;
    const Sliding back{.padding = {2 - ph, 2 - pw}, .groups = c.sliding.groups};
    slide(ReadInput(grad), packed(Weights3x3(c.weight, c.sliding.groups), true, set), Tensor(), back, to.x,
          set);
  }
  if (to.weight.defined()) winograd_weight_gradient(ReadInput(c), grad, c.sliding, to.weight, set);
}

void pointwise_backward(const Convolution& c, const Tensor& grad, const Gradients& to, const DirectSet& set) {
  if (to.x.defined())
    slide(ReadInput(grad), packed_pointwise(c.weight, true), Tensor(), c.sliding, to.x, set);
  if (to.weight.defined()) pointwise_weight_gradient(ReadInput(c), grad, to.weight, set);
}

}  // namespace

void convolve_backward(const Convolution& c, const Tensor& grad, const Gradients& to, const DirectSet& set) {
  const bool narrow = is_narrow(c.weight.sizes(), c.sliding);
  const bool pointwise = is_pointwise(c.weight.sizes(), c.sliding);
  if (pointwise && !moves_by_one(c.sliding)) {
    const Tensor x = gathered(c.x, c.sliding), of_x = to.x.defined() ? at::empty_like(x) : Tensor();
    convolve_backward({x, c.weight, c.bias, Sliding{}, c.norm, c.found}, grad, {of_x, to.weight, to.bias},
                      set);
    if (to.x.defined()) seen(to.x.zero_(), c.sliding).copy_(of_x);
    return;
  }
  (narrow ? narrow_backward : pointwise ? pointwise_backward : wide_backward)(c, grad, to, set);
  if (to.bias.defined()) to.bias.add_(grad.sum({0, 2, 3}));
}

void convolve(const Convolution& c, const Tensor& out) {
  if (by_own_loops(c) && is_maps(out)) return convolve(c, out, direct_set());
  if (c.norm == nullptr) return plain_kernels.convolve(c, out);
  const Tensor y = made_of_norm(c);
  plain_kernels.convolve({y, c.weight, c.bias, c.sliding}, out);
}

void convolve_backward(const Convolution& c, const Tensor& grad, const Gradients& to) {
  const bool fit =
      is_maps(grad) && (!to.x.defined() || is_maps(to.x)) && (!to.weight.defined() || is_weights(to.weight));
  if (fit && by_own_loops(c)) return convolve_backward(c, grad, to, direct_set());
  if (c.norm == nullptr) return plain_kernels.convolve_backward(c, grad, to);
  const Tensor y = made_of_norm(c);
  plain_kernels.convolve_backward({y, c.weight, c.bias, c.sliding}, grad, to);
}

}  // namespace lm::cpu
