#include "check/convolutions/trained.h"

#include <ATen/Parallel.h>

#include "check/convolutions/convolved.h"
#include "core/error.h"
#include "core/kernels/cpu/cpu.h"

namespace lm {
namespace {

using at::Tensor;

Convolved found(const Numbers& n, const Through& through, const Sliding& sliding, const cpu::DirectSet& set,
                int threads) {
  at::set_num_threads(threads);
  const Norm norm{n.x, through.weight, through.bias, 1e-5, through.relu};
  const Statistics statistics{through.mean, through.invstd};
  Convolution c{n.x, n.weight, n.bias, sliding};
  if (through.is_there()) {
    c.norm = &norm;
    c.found = &statistics;
  }
  LM_CHECK(cpu::by_own_loops(c), "ERR_TORCH", "There are no loops for this shape");
  // Written, or added to.
  const auto nowhere = [](const Tensor& like) { return at::full_like(like, NAN); };
  const auto none = [](const Tensor& like) { return like.defined() ? at::zeros_like(like) : like; };
  const Convolved out{nowhere(n.grad), nowhere(n.x), none(n.weight), none(n.bias)};
  cpu::convolve(c, out.output, set);
  cpu::convolve_backward(c, n.grad, {out.x, out.weight, out.bias}, set);
  return out;
}

bool same(const Convolved& a, const Convolved& b) {
  return at::equal(a.output, b.output) && at::equal(a.x, b.x) && at::equal(a.weight, b.weight);
}

Shape draw_wide(Rng& rng) {
  Shape s{};
  s.sliding.groups = one_of(rng, {1, 1, 1, 2, 3});
  s.in = s.sliding.groups * one_of(rng, {16, 16, 32, 48, 64});
  s.out = s.sliding.groups * one_of(rng, {16, 16, 32, 48, 64});
  const bool large = s.in * s.out <= 16 * 32 && rng.below(3) == 0;
  do {
    s.images = one_of(rng, {1, 1, 2, 3, 5});
    for (size_t axis = 0; axis < 2; ++axis) {
      s.kernel[axis] = 3;
      s.sliding.padding[axis] = one_of(rng, {0, 1, 1, 1, 2});
      const int64_t size = 1 + static_cast<int64_t>(rng.below(large ? 90 : 18));
      (axis == 0 ? s.height : s.width) = std::max(size, 3 - 2 * s.sliding.padding[axis]);
    }
  } while (s.images * s.places(0) * s.places(1) < 16);
  return s;
}

// 1 x 1: now and then more channels, or pixels, than are taken at a time.
Shape draw_pointwise(Rng& rng) {
  Shape s{};
  const uint64_t kind = rng.below(8);
  s.in = kind == 0 ? 16 * one_of(rng, {33, 47, 64}) : one_of(rng, {16, 16, 32, 48, 64, 96});
  s.out = kind == 1 ? 16 * one_of(rng, {33, 47, 64}) : one_of(rng, {16, 16, 32, 48, 64, 96});
  s.kernel[0] = s.kernel[1] = 1;
  const bool large = kind > 5;
  const int64_t stride = one_of(rng, {1, 1, 1, 2});
  s.sliding.stride = {rng.below(8) == 0 ? 3 : stride, stride};
  do {
    s.images = one_of(rng, {1, 1, 2, 3, 5});
    s.height = 1 + static_cast<int64_t>(rng.below(large ? 70 : 20));
    s.width = 1 + static_cast<int64_t>(rng.below(large ? 70 : 20));
  } while (s.images * s.places(0) * s.places(1) < 16);
  return s;
}

// Groups narrower than a register.
Shape draw_narrow(Rng& rng) {
  Shape s{};
  const int64_t channels = one_of(rng, {4, 8});
  s.sliding.groups = 16 / channels * one_of(rng, {1, 1, 2, 3});
  s.in = s.out = s.sliding.groups * channels;
  s.images = one_of(rng, {1, 2, 3});
  s.kernel[0] = one_of(rng, {1, 2, 3, 3, 3, 3});
  s.kernel[1] = 3;
  const int64_t stride = one_of(rng, {1, 1, 2});
  s.sliding.stride = {rng.below(4) == 0 ? 3 : stride, stride};
  s.sliding.padding = {one_of(rng, {0, 1, 1, 1, 2}), one_of(rng, {0, 1, 1, 1, 3})};
  s.height = s.kernel[0] + static_cast<int64_t>(rng.below(rng.below(3) == 0 ? 50 : 12));
  s.width = s.kernel[1] + static_cast<int64_t>(rng.below(rng.below(3) == 0 ? 50 : 12));
  return s;
}

Tensor wide(const Tensor& t, double otherwise, const Tensor& like) {
  return (t.defined() ? t.to(at::kDouble) : at::full_like(like, otherwise, at::kDouble)).view({1, -1, 1, 1});
}

}  // namespace

Through draw_norm(Rng& rng, int64_t channels) {
  Through t;
  if (rng.below(2) == 0) return t;
  t.mean = normal(rng, {channels}, at::kFloat);
  t.invstd = normal(rng, {channels}, at::kFloat).abs();
  t.relu = rng.below(3) != 0;
  if (rng.below(3) == 0) return t;
  t.weight = normal(rng, {channels}, at::kFloat);
  t.bias = normal(rng, {channels}, at::kFloat);
  return t;
}

void apply(const Through& t, Numbers& n) {
  const Tensor slope = wide(t.invstd, 1, t.mean) * wide(t.weight, 1, t.mean);
  const Tensor x = n.x.to(at::kDouble), mean = wide(t.mean, 0, t.mean), bias = wide(t.bias, 0, t.mean);
  n.x = (x - mean) * slope + bias;
  n.size = (x.abs() + mean.abs()) * slope.abs() + bias.abs();
  if (t.relu) n.x.relu_();
}

Shape draw_training(uint64_t seed, uint64_t i) {
  Rng rng(seed, "training", i);
  const uint64_t kind = rng.below(4);
  Shape s = kind == 0 ? draw_narrow(rng) : kind == 1 ? draw_pointwise(rng) : draw_wide(rng);
  s.type = at::kFloat;
  s.bias = rng.below(3) == 0;
  return s;
}

std::string tried_training(uint64_t seed, uint64_t i, const cpu::DirectSet& set) {
  const Shape s = draw_training(seed, i);
  Rng rng(seed, "training values", i);
  Numbers numbers = draw_numbers(rng, s);
  const Through through = draw_norm(rng, s.in);
  const Convolved alone = found(numbers, through, s.sliding, set, 1);
  for (int threads : {2, 3, 7})
    LM_CHECK(same(alone, found(numbers, through, s.sliding, set, threads)), "ERR_TORCH", "Other bits with ",
             threads, " threads");
  at::set_num_threads(1);
  if (through.is_there()) apply(through, numbers);
  return errors(alone, numbers, s.sliding, /*windows=*/true);
}

}  // namespace lm
