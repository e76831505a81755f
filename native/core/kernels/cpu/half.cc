// Kernels of the half types: norms and combinations in bfloat16 by our own loops, and convolutions where
// libtorch has none that add up in float32; all else is libtorch's.

#include "core/kernels/cpu/cpu.h"
#include "core/kernels/cpu/rows.h"
#include "core/kernels/cpu/tiles/tiles.h"

namespace lm::cpu {
namespace {

using at::Tensor;

// Whether libtorch's convolutions add up in float32, being oneDNN's. Where they are not, they add up windows
// in the half type itself, and take over ten times as long as those of float32.
bool adds_in_float32() {
#ifdef __x86_64__
  return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq");
#else
  return false;
#endif
}

Tensor wide(const Tensor& t) { return t.defined() ? t.to(at::kFloat) : t; }

// For a map as wide as `t`, with the room before it that NextAllocation asks for.
Tensor wide_map(const Tensor& t) {
  if (!t.defined()) return t;
  constexpr int64_t kRoom = 16;
  return at::empty({kRoom + t.numel()}, at::kFloat)
      .slice(0, kRoom)
      .view({t.size(0), t.size(2), t.size(3), t.size(1)})
      .permute({0, 3, 1, 2});
}

// For what is added to `t`.
Tensor wide_sum(const Tensor& t) {
  return !t.defined() || t.scalar_type() == at::kFloat ? t : at::zeros_like(t, at::kFloat);
}

void convolve_in_float32(const Convolution& c, const Tensor& out) {
  const Tensor x = wide(c.x), weight = wide(c.weight), bias = wide(c.bias), found = wide_map(out);
  convolve({x, weight, bias, c.sliding}, found);
  out.copy_(found);
}

void convolve_backward_in_float32(const Convolution& c, const Tensor& grad, const Gradients& to) {
  const Tensor x = wide(c.x), weight = wide(c.weight), bias = wide(c.bias);
  const Tensor gx = wide_map(to.x), gw = wide_sum(to.weight), gb = wide_sum(to.bias);
  convolve_backward({x, weight, bias, c.sliding}, wide(grad), {gx, gw, gb});
  if (to.x.defined()) to.x.copy_(gx);
  if (!gw.is_same(to.weight)) to.weight.add_(gw);
  if (!gb.is_same(to.bias)) to.bias.add_(gb);
}

// Where this machine multiplies tiles faster than libtorch's convolutions; by shapes alone, for equal runs.
bool takes_tiles(at::IntArrayRef x, at::IntArrayRef weight, const Sliding& sliding) {
  return tile_set().is_fast && by_tiles(x, weight, sliding);
}

bool takes_tiles(const Convolution& c) { return tile_set().is_fast && by_tiles(c); }

// Whether pixels of `t` have their channels side by side, or it is not there.
bool fits(const Tensor& t) { return !t.defined() || t.stride(1) == 1; }

void convolve_in_bfloat16(const Convolution& c, const Tensor& out) {
  if (takes_tiles(c) && fits(out)) return convolve_by_tiles(c, out, tile_set());
  (adds_in_float32() ? plain_kernels.convolve : convolve_in_float32)(c, out);
}

void convolve_backward_in_bfloat16(const Convolution& c, const Tensor& grad, const Gradients& to) {
  if (takes_tiles(c) && fits(grad) && fits(to.x)) {
    const Tensor gw = wide_sum(to.weight);
    convolve_backward_by_tiles(c, grad, {to.x, gw, to.bias}, tile_set());
    if (!gw.is_same(to.weight)) to.weight.add_(gw);
    return;
  }
  (adds_in_float32() ? plain_kernels.convolve_backward : convolve_backward_in_float32)(c, grad, to);
}

Kernels kernels_of(at::ScalarType type) {
  Kernels k = plain_kernels;
  k.name = type == at::kHalf ? "cpu float16" : "cpu bfloat16";
  k.convolve = convolve_in_float32;
  k.convolve_backward = convolve_backward_in_float32;
  if (type == at::kHalf) return k;
  k.convolve = convolve_in_bfloat16;
  k.convolve_backward = convolve_backward_in_bfloat16;
  if (tile_set().is_fast) k.takes_norm = takes_tiles;
  k.adds = true;
  k.combine = combine<float, Bfloat16>;
  k.dot = dot<float, Bfloat16>;
  k.combine_backward = combine_backward<float, Bfloat16>;
  using Norms = NormKernels<float, Bfloat16>;
  k.norm_train = Norms::train;
  k.norm_again = Norms::again;
  k.norm_backward = Norms::backward;
  k.norm_sums = Norms::sums;
  k.norm_gradient_sums = Norms::gradient_sums;
  k.norm_gradient = Norms::gradient;
  k.norm_evaluate = Norms::evaluate;
  return k;
}

}  // namespace

const Kernels& half_kernels(at::ScalarType type) {
  static const Kernels bfloat16 = kernels_of(at::kBFloat16), float16 = kernels_of(at::kHalf);
  return type == at::kHalf ? float16 : bfloat16;
}

}  // namespace lm::cpu
