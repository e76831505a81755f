#include "check/convolutions/tiled.h"

#include <ATen/Parallel.h>

#include "check/convolutions/trained.h"
#include "core/error.h"
#include "core/kernels/cpu/cpu.h"

namespace lm {
namespace {

using at::Tensor;

// Types of what is read and of what is written.
struct Types {
  at::ScalarType x = at::kFloat, grad = at::kFloat, output = at::kFloat, gradient = at::kFloat;
};

Types draw_types(Rng& rng, at::ScalarType most) {
  const auto one = [&] { return most == at::kFloat || rng.below(2) == 0 ? at::kFloat : at::kBFloat16; };
  Types t;
  t.x = one();
  t.grad = one();
  t.output = one();
  t.gradient = one();
  return t;
}

Convolved found(const Numbers& n, const Through& through, const Types& types, const Sliding& sliding,
                const cpu::TileSet& set, int threads) {
  at::set_num_threads(threads);
  const Tensor x = n.x.to(types.x), weight = n.weight.to(at::kBFloat16);
  const Norm norm{x, through.weight, through.bias, 1e-5, through.relu};
  const Statistics statistics{through.mean, through.invstd};
  Convolution c{x, weight, n.bias, sliding};
  if (through.is_there()) {
    c.norm = &norm;
    c.found = &statistics;
  }
  LM_CHECK(cpu::by_tiles(c), "ERR_TORCH", "There are no loops for this shape");
  // Written, or added to.
  const auto nowhere = [](const Tensor& like, at::ScalarType type) { return at::full_like(like, NAN, type); };
  const auto none = [](const Tensor& like) { return like.defined() ? at::zeros_like(like) : like; };
  const Convolved out{nowhere(n.grad, types.output), nowhere(n.x, types.gradient), none(n.weight),
                      none(n.bias)};
  cpu::convolve_by_tiles(c, out.output, set);
  cpu::convolve_backward_by_tiles(c, n.grad.to(types.grad), {out.x, out.weight, out.bias}, set);
  return out;
}

bool same(const Convolved& a, const Convolved& b) {
  return at::equal(a.output, b.output) && at::equal(a.x, b.x) && at::equal(a.weight, b.weight);
}

Tensor rounded(const Tensor& t) { return t.to(at::kBFloat16).to(t.scalar_type()); }

}  // namespace

// In float32 what is read has no more digits than bfloat16, so that nothing is rounded but sums.
Shape draw_tiled(uint64_t seed, uint64_t i) {
  Rng rng(seed, "tiled", i);
  Shape s{};
  s.type = rng.below(2) == 0 ? at::kFloat : at::kBFloat16;
  s.bias = rng.below(3) == 0;
  if (rng.below(4) == 0) {
    const int64_t channels = one_of(rng, {4, 8, 16});
    s.sliding.groups = 16 / channels * one_of(rng, {1, 2, 3, 5});
    s.in = s.out = s.sliding.groups * channels;
  } else {
    s.sliding.groups = one_of(rng, {1, 1, 1, 2});
    s.in = s.sliding.groups * one_of(rng, {16, 16, 32, 48, 64, 80, 512});
    s.out = s.sliding.groups * one_of(rng, {16, 16, 32, 48, 64, 80, s.in == 512 ? 32 : 528});
  }
  const int64_t stride = one_of(rng, {1, 1, 1, 2, 3}),
                most = one_of(rng, {6, 20, s.in * s.out < 4096 ? 70 : 20});
  s.sliding.stride = {stride, stride};
  s.images = one_of(rng, {1, 1, 2, 3, 7});
  for (size_t axis = 0; axis < 2; ++axis) {
    s.kernel[axis] = one_of(rng, {1, 1, 2, 3, 3, 3, 5});
    if (axis == 1 && rng.below(4) != 0) s.kernel[1] = s.kernel[0];
    s.sliding.padding[axis] = std::min(s.kernel[axis] - 1, one_of(rng, {0, 1, 1, 2}));
    const int64_t size = 1 + static_cast<int64_t>(rng.below(static_cast<uint64_t>(most)));
    (axis == 0 ? s.height : s.width) = std::max(size, s.kernel[axis] - 2 * s.sliding.padding[axis]);
  }
  return s;
}

std::string tried_tiled(uint64_t seed, uint64_t i, const cpu::TileSet& set) {
  Shape s = draw_tiled(seed, i);
  Types types = [&] {
    Rng rng(seed, "tiled types", i);
    return draw_types(rng, s.type);
  }();
  Rng rng(seed, "tiled values", i);
  const bool is_exact = s.type == at::kFloat;
  s.type = at::kFloat;
  Numbers numbers = draw_numbers(rng, s);
  numbers.weight = rounded(numbers.weight);
  numbers.grad = rounded(numbers.grad);
  const Through through = is_exact ? Through{} : draw_norm(rng, s.in);
  if (through.is_there()) types.output = at::kFloat;  // x is rounded there, which is enough
  if (!through.is_there() || types.x == at::kBFloat16) numbers.x = rounded(numbers.x);
  const Convolved alone = found(numbers, through, types, s.sliding, set, 1);
  for (int threads : {2, 3, 7})
    LM_CHECK(same(alone, found(numbers, through, types, s.sliding, set, threads)), "ERR_TORCH",
             "Other bits with ", threads, " threads");
  at::set_num_threads(1);
  if (through.is_there()) apply(through, numbers);
  return errors(alone, numbers, s.sliding);
}

}  // namespace lm
