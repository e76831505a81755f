#include "check/convolutions/fused.h"

#include <ATen/Parallel.h>

#include <sstream>
#include <vector>

#include "core/error.h"
#include "core/kernels/cpu/cpu.h"

namespace lm {
namespace {

using at::Tensor;

// Feature maps, sometimes the middle channels of wider ones, as slices are.
Tensor maps(Rng& rng, int64_t n, int64_t channels, int64_t height, int64_t width) {
  if (rng.below(3) != 0) return normal(rng, {n, channels, height, width}, at::kFloat);
  return normal(rng, {n, channels + 5, height, width}, at::kFloat).narrow(1, 2, channels);
}

Tensor wide(const Tensor& numbers) { return numbers.view({1, -1, 1, 1}); }

struct Case {
  Tensor x, scale, shift, weight, bias, c;
  Tensor factors;  // by filter, of the weight
  std::vector<Tensor> u;
  bool relu_before = false, relu = false;
};

Case draw_case(Rng& rng, const Shape& s) {
  Case k;
  k.x = maps(rng, s.images, s.in, s.height, s.width);
  if (rng.below(2) == 0) {
    k.scale = normal(rng, {s.in}, at::kFloat);
    k.shift = normal(rng, {s.in}, at::kFloat);
    k.relu_before = rng.below(2) == 0;
  }
  k.weight = normal(rng, {s.out, s.in / s.sliding.groups, s.kernel[0], s.kernel[1]}, at::kFloat);
  k.bias = normal(rng, {s.out}, at::kFloat);
  const auto added = static_cast<int64_t>(rng.below(4));
  for (int64_t i = 0; i < added; ++i) k.u.push_back(maps(rng, s.images, s.out, s.places(0), s.places(1)));
  if (added > 0) k.c = normal(rng, {added, s.out}, at::kFloat);
  k.relu = rng.below(2) == 0;
  if (rng.below(2) == 0) k.factors = normal(rng, {s.out}, at::kDouble);
  return k;
}

// What libtorch gives in float64, of sizes where nothing is to cancel.
Tensor right(const Case& k, const Sliding& s, bool sizes) {
  const auto of = [&](const Tensor& t) { return sizes ? t.to(at::kDouble).abs() : t.to(at::kDouble); };
  Tensor z = of(k.x);
  if (k.scale.defined()) z = z * wide(of(k.scale)) + wide(of(k.shift));
  if (k.relu_before) z = z.relu();
  Tensor weight = of(k.weight).contiguous();
  if (k.factors.defined()) weight = weight * of(k.factors).view({-1, 1, 1, 1});
  Tensor out = convolve(z.contiguous(), weight, of(k.bias), s);
  for (size_t i = 0; i < k.u.size(); ++i) out = out + of(k.u[i]) * wide(of(k.c[static_cast<int64_t>(i)]));
  return k.relu ? out.relu() : out;
}

Tensor found(const Case& k, const Shape& s, const cpu::DirectSet& set, int threads) {
  const Tensor weight = cpu::pack_weight(k.weight, k.factors, s.sliding), bias = cpu::pack_channels(k.bias);
  const Tensor c = k.c.defined() ? cpu::pack_channels(k.c) : Tensor();
  std::vector<const Tensor*> u;
  for (const Tensor& t : k.u) u.push_back(&t);
  const Tensor out = at::full({s.images, s.out, s.places(0), s.places(1)}, NAN, at::kFloat)
                         .contiguous(at::MemoryFormat::ChannelsLast);
  at::set_num_threads(threads);
  cpu::convolve_fused({.x = k.x,
                       .scale = k.scale,
                       .shift = k.shift,
                       .relu_before = k.relu_before,
                       .weight = weight,
                       .bias = bias,
                       .u = u,
                       .c = c,
                       .relu = k.relu,
                       .sliding = s.sliding,
                       .out = out},
                      set);
  return out;
}

}  // namespace

// Now and then of so many channels that weights do not lie near.
Shape draw_fused(uint64_t seed, uint64_t i) {
  Rng rng(seed, "fused", i);
  Shape s{};
  s.type = at::kFloat;
  s.bias = true;
  if (rng.below(8) == 0) {
    s.images = one_of(rng, {1, 1, 2});
    s.in = one_of(rng, {128, 144, 256, 320, 512});
    s.out = one_of(rng, {16, 40, 128, 256, 260});
    s.kernel[0] = s.kernel[1] = one_of(rng, {1, 3});
    if (s.kernel[0] == 3) s.sliding.padding = {1, 1};
    const auto most = static_cast<uint64_t>(one_of(rng, {4, 20}));
    s.height = 1 + static_cast<int64_t>(rng.below(most));
    s.width = 1 + static_cast<int64_t>(rng.below(most));
    return s;
  }
  do {
    s.sliding = {};
    s.sliding.groups = one_of(rng, {1, 1, 1, 1, 2, 4, 8, 32});
    s.in = s.sliding.groups * one_of(rng, {1, 3, 4, 7, 8, 16, 16, 17, 24, 32, 48, 64});
    s.out = s.sliding.groups * one_of(rng, {1, 4, 8, 10, 15, 16, 16, 17, 24, 32, 40, 64});
  } while (!fuses({s.out, s.in / s.sliding.groups}, s.sliding) || s.in * s.out > (1 << 15));
  s.images = one_of(rng, {1, 1, 2, 3});
  const int64_t side = one_of(rng, {1, 1, 2, 3, 3, 3, 3, 3, 5, 7});
  const bool strided = rng.below(4) == 0;
  for (size_t axis = 0; axis < 2; ++axis) {
    s.kernel[axis] = rng.below(8) == 0 ? one_of(rng, {1, 2, 3, 4}) : side;
    s.sliding.padding[axis] = static_cast<int64_t>(rng.below(static_cast<uint64_t>(s.kernel[axis] / 2 + 2)));
    if (strided) s.sliding.stride[axis] = one_of(rng, {1, 2, 3});
  }
  s.height = s.kernel[0] + static_cast<int64_t>(rng.below(20));
  s.width = s.kernel[1] + static_cast<int64_t>(rng.below(40));
  return s;
}

std::string tried_fused(uint64_t seed, uint64_t i, const cpu::DirectSet& set) {
  const Shape s = draw_fused(seed, i);
  Rng rng(seed, "fused values", i);
  const Case k = draw_case(rng, s);
  const Tensor alone = found(k, s, set, 1);
  for (int threads : {2, 3, 7})
    LM_CHECK(at::equal(alone, found(k, s, set, threads)), "ERR_TORCH", "Other bits with ", threads,
             " threads");
  at::set_num_threads(1);
  std::ostringstream out;
  out << "\"output\":" << error(alone, right(k, s.sliding, false), right(k, s.sliding, true))
      << ",\"x\":0,\"weight\":0,\"bias\":0";
  return out.str();
}

}  // namespace lm
