// The CUDA kernels' bodies on the host (host_machine.h), behind the row that brings tensors to them, or the
// processor's own kernels of norms and of combinations, at random shapes, against float64:
//   lm-check-kernels [--seed 1] [--count 40] [--of cuda|cpu]
// Prints one JSON object for every result: the kernel, the type, the shape, and the largest error as a share
// of what the numbers would be if nothing cancelled.

#include <ATen/ATen.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "check/kernels/case.h"
#include "check/kernels/checks.h"
#include "check/kernels/faulty_kernels.h"
#include "check/kernels/host_kernels.h"
#include "core/error.h"
#include "core/kernels/cuda/cuda.h"
#include "core/kernels/cuda/library.h"
#include "core/rng.h"

namespace {

using at::Tensor;
using lm::Case;
using lm::copy;
using lm::exact;
using lm::largest;
using lm::report;
using lm::Rng;

const std::vector<int64_t> kReduced{0, 2, 3};

Tensor sums_for(const Tensor& x) { return at::empty({2, x.size(1)}, at::kDouble); }

void check_norm(Case& c) {
  const Tensor x = c.values(3);
  if (c.below(8) == 0) x.flatten()[0] = NAN;
  const bool affine = c.chance();
  const Tensor weight = affine ? c.per_channel() : Tensor(), bias = affine ? c.per_channel() : Tensor();
  const lm::Norm norm{x, weight, bias, 1e-5, c.chance()};
  const Tensor mean = c.per_channel(), var = c.per_channel().square().add_(0.5);
  const Tensor found_mean = at::empty_like(mean), invstd = at::empty_like(mean), out = at::empty_like(x);
  const Tensor moved_mean = copy(mean), moved_var = copy(var);
  c.kernels->norm_train(norm, {moved_mean, moved_var, 0.1}, {found_mean, invstd}, out);

  const Tensor x64 = exact(x), weight64 = exact(weight), bias64 = exact(bias), mean64 = exact(mean),
               var64 = exact(var);
  const lm::Norm norm64{x64, weight64, bias64, norm.eps, norm.relu};
  const Tensor wanted_mean = at::empty_like(mean64), wanted_invstd = at::empty_like(mean64),
               wanted = at::empty_like(x64);
  const Tensor running_mean = copy(mean64), running_var = copy(var64);
  lm::plain_kernels.norm_train(norm64, {running_mean, running_var, 0.1}, {wanted_mean, wanted_invstd},
                               wanted);
  report(c, "norm: result", out, wanted, largest(wanted));
  report(c, "norm: mean", found_mean, wanted_mean, largest(wanted_mean));
  report(c, "norm: inverse deviation", invstd, wanted_invstd, largest(wanted_invstd));
  report(c, "norm: running mean", moved_mean, running_mean, largest(running_mean) + 1);
  report(c, "norm: running variance", moved_var, running_var, largest(running_var));

  const Tensor again = at::empty_like(x);
  c.kernels->norm_again(norm, {found_mean, invstd}, again);
  report(c, "norm again: the same bits", again, out, 0);
  c.kernels->norm_evaluate(norm, mean, var, again);
  lm::plain_kernels.norm_evaluate(norm64, mean64, var64, wanted);
  report(c, "norm, evaluated", again, wanted, largest(wanted));

  const Tensor sums = sums_for(x), wanted_sums = at::stack({x64.sum(kReduced), x64.square().sum(kReduced)});
  c.kernels->norm_sums(x, sums);
  report(c, "norm: sums", sums, wanted_sums, largest(wanted_sums[1]) + static_cast<double>(x.numel()));
}

// The relu's mask is that of the result as it was found: on either side of zero a rounding decides.
void check_norm_backward(Case& c) {
  const Tensor x = c.values(3);
  Tensor grad = c.values();
  // As it comes from a convolution of bfloat16 that reads a state.
  if (c.kernels->adds && c.type == at::kFloat && c.chance()) grad = grad.to(at::kBFloat16);
  const bool affine = c.chance();
  const Tensor weight = affine ? c.per_channel(1) : Tensor(), bias = affine ? c.per_channel() : Tensor();
  const lm::Norm norm{x, weight, bias, 1e-5, c.chance()};
  const Tensor mean = c.per_channel(3), invstd = c.per_channel().abs().add_(0.1), out = at::empty_like(x);
  c.kernels->norm_again(norm, {mean, invstd}, out);
  const Tensor before = c.kernels->adds && c.chance() ? c.values() : Tensor(),
               before64 = before.defined() ? copy(exact(before)) : before;
  const bool over = grad.scalar_type() == x.scalar_type() && c.chance();
  const Tensor into = over                             ? grad  // also in place
                      : !c.chance()                    ? Tensor()
                      : before.defined() && c.chance() ? before
                                                       : at::empty_like(x);
  const Tensor* const added = before.defined() ? &before : nullptr;
  const Tensor into_weight = affine ? c.per_channel() : Tensor(),
               into_bias = affine ? c.per_channel() : Tensor();

  const Tensor x64 = exact(x), weight64 = exact(weight), bias64 = exact(bias), mean64 = exact(mean),
               invstd64 = exact(invstd), wanted_weight = affine ? exact(into_weight).clone() : Tensor(),
               wanted_bias = affine ? exact(into_bias).clone() : Tensor();
  const Tensor g64 = norm.relu ? exact(grad).mul(out.gt(0)) : exact(grad).clone(),
               wanted = at::empty_like(x64);
  const lm::Norm norm64{x64, weight64, bias64, norm.eps, false};
  lm::plain_kernels.norm_backward(
      norm64, {mean64, invstd64}, g64,
      {wanted, wanted_weight, wanted_bias, before.defined() ? &before64 : nullptr});
  const Tensor sums = sums_for(x), part = at::empty_like(x),
               product = g64 * (x64 - mean64.view({1, -1, 1, 1}));
  c.kernels->norm_gradient_sums(norm, {mean, invstd}, grad, sums);
  report(c, "norm backward: sums", sums, at::stack({g64.sum(kReduced), product.sum(kReduced)}),
         std::max(largest(g64.abs().sum(kReduced)), largest(product.abs().sum(kReduced))) + 1);
  const double count = 3.0 * static_cast<double>(x.numel() / x.size(1));
  c.kernels->norm_gradient(norm, {mean, invstd}, grad, sums * 3, count, part, added);
  report(c, "norm backward: x, of three such batches", part, wanted, largest(wanted));
  c.kernels->norm_backward(norm, {mean, invstd}, grad, {into, into_weight, into_bias, added});
  if (into.defined()) report(c, "norm backward: x", into, wanted, largest(wanted));
  if (!affine) return;
  const Tensor whole = g64.abs().sum(kReduced).max();
  report(c, "norm backward: weight", into_weight, wanted_weight,
         4 * whole.item<double>() * largest(invstd) + 1);
  report(c, "norm backward: bias", into_bias, wanted_bias, whole.item<double>() + 1);
}

void check_normalise(Case& c) {
  const auto channels = static_cast<size_t>(std::min<int64_t>(c.sizes[1], 17));
  c.sizes[1] = static_cast<int64_t>(channels);  // 17 are for libtorch
  const Tensor pixels = at::empty({c.sizes[0], c.sizes[2], c.sizes[3], c.sizes[1]}, at::kByte);
  for (int64_t i = 0; i < pixels.numel(); ++i)
    pixels.data_ptr<uint8_t>()[i] = static_cast<uint8_t>(c.rng.next());
  std::vector<double> scale, shift;
  for (size_t i = 0; i < channels; ++i) {
    scale.push_back(c.rng.normal() / 50);
    shift.push_back(c.rng.normal());
  }
  const Tensor out = c.values(), wanted = exact(out).clone();
  c.kernels->normalise(pixels, scale, shift, out);
  lm::plain_kernels.normalise(pixels, scale, shift, wanted);
  if (channels == 17 && c.type != at::kFloat && c.type != at::kDouble) return;  // which round more than once
  report(c, "normalise", out, wanted, largest(wanted));
}

void check_mixing(Case& c) {
  const Tensor x = c.values(), wanted = exact(x).clone(), y = c.values(), wanted_y = exact(y).clone();
  const double share = c.chance() ? c.rng.uniform() : 1;
  const int64_t top = c.below(c.sizes[2]), left = c.below(c.sizes[3]);
  const auto mix = [&](double own, const Tensor& found, const Tensor& by) {
    const Tensor numbers =
        at::tensor({own, static_cast<double>(top), static_cast<double>(top + c.below(c.sizes[2] - top + 1)),
                    static_cast<double>(left), static_cast<double>(left + c.below(c.sizes[3] - left + 1))},
                   at::kDouble);
    c.kernels->mix_images(found, numbers);
    lm::plain_kernels.mix_images(by, numbers);
  };
  mix(share, x, wanted);
  report(c, "images mixed", x, wanted, largest(wanted));
  mix(1, y, wanted_y);
  report(c, "boxes exchanged", y, wanted_y, 0);
}

void check_draws(Case& c) {
  const Tensor sent = at::empty({c.sizes[0]}, at::kLong);
  for (int64_t i = 0; i < sent.numel(); ++i) sent.data_ptr<int64_t>()[i] = static_cast<int64_t>(c.rng.next());
  const lm::DrawKeys keys{
      {reinterpret_cast<uint64_t*>(sent.data_ptr<int64_t>()), static_cast<size_t>(sent.numel())}, sent};
  const double p = c.rng.uniform();
  const Tensor out = c.values(), wanted = at::empty(c.sizes, at::kDouble, at::MemoryFormat::ChannelsLast);
  c.kernels->dropout_mask(keys, p, out);
  lm::plain_kernels.dropout_mask(keys, p, wanted);
  report(c, "dropout", out, wanted.to(c.wide()).to(c.type), 0);
  c.kernels->gaussian(keys, 0.3, out);
  lm::plain_kernels.gaussian(keys, 0.3, wanted);
  report(c, "gaussian", out, wanted, largest(wanted));
}

// Values that no kernel takes, for they lie elsewhere or otherwise: libtorch's functions do.
void check_layouts(Case& c) {
  const Tensor flat = c.random({2 * c.sizes[0] * c.sizes[1] * c.sizes[2] * c.sizes[3] + 1}, c.type);
  const auto count = static_cast<int64_t>(flat.numel() / 2);
  const auto odd = [&](int64_t from) { return flat.narrow(0, from, count).view(c.sizes); };
  const Tensor a = odd(1), b = c.values().contiguous(), sum = c.random({1}, c.wide()),
               wanted = exact(sum).clone();
  if (c.type == at::kHalf || c.type == at::kBFloat16) return;  // libtorch mixes no types here
  c.kernels->dot(a, b, sum);
  lm::plain_kernels.dot(exact(a), exact(b), wanted);
  report(c, "dot: other layouts", sum, wanted, exact(a).mul(exact(b)).abs().sum().item<double>() + 1);
  const lm::Norm norm{a, {}, {}, 1e-5, true};
  const Tensor mean = c.per_channel(), var = c.per_channel().square().add_(0.5), out = at::empty_like(a),
               wanted_out = at::empty_like(exact(a));
  c.kernels->norm_evaluate(norm, mean, var, out);
  const Tensor a64 = exact(a);
  lm::plain_kernels.norm_evaluate({a64, {}, {}, 1e-5, true}, exact(mean), exact(var), wanted_out);
  report(c, "norm: other layouts", out, wanted_out, largest(wanted_out));
}

// Half types as libtorch reads and rounds them: all of float16, and random numbers of every size.
void check_numbers(uint64_t seed) {
  using namespace lm::cuda;
  int64_t wrong = 0;
  const auto same = [](float a, float b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto b = static_cast<uint16_t>(bits);
    wrong += !same(wide(Half{b}), c10::Half(b, c10::Half::from_bits()));
    wrong += !same(wide(BFloat16{b}), c10::BFloat16(b, c10::BFloat16::from_bits()));
  }
  Rng rng(seed, "numbers");
  for (int64_t i = 0; i < 400000; ++i) {
    const auto bits = static_cast<uint32_t>(rng.next());
    float value;
    std::memcpy(&value, &bits, sizeof value);
    if (i % 2 == 0)
      value = static_cast<float>(std::ldexp(rng.normal(), static_cast<int>(rng.below(44)) - 26));
    wrong += !same(wide(narrow<Half>(value)), c10::Half(value));
    wrong += !same(wide(narrow<BFloat16>(value)), c10::BFloat16(value));
  }
  std::printf("{\"kernel\":\"numbers\",\"type\":\"Half\",\"shape\":\"\",\"error\":%ld}\n", wrong);
}

// The faults that the machine finds; the first row is a kernel without one.
void check_machine() {
  using namespace lm::cuda;
  const std::pair<std::string, std::string> rows[]{{fault_found<Fault::kNone>(), ""},
                                                   {fault_found<Fault::kBounds>(), "ERR_BOUNDS"},
                                                   {fault_found<Fault::kPlace>(), "ERR_BOUNDS"},
                                                   {fault_found<Fault::kOverlap>(), "ERR_BOUNDS"},
                                                   {fault_found<Fault::kUnwritten>(), "ERR_BOUNDS"},
                                                   {fault_found<Fault::kWriters>(), "ERR_RACE"},
                                                   {fault_found<Fault::kBlocks>(), "ERR_RACE"},
                                                   {fault_found<Fault::kBarrier>(), "ERR_RACE"},
                                                   {fault_found<Fault::kReader>(), "ERR_RACE"}};
  LM_CHECK(lm_cuda_launches_3(Type::kFloat, sizeof(Launches) - 1) == nullptr, "ERR_CHECK",
           "Launches are given to whoever has another table of them");
  for (const auto& [found, wanted] : rows)
    LM_CHECK(found == wanted, "ERR_CHECK", "The machine finds \"", found, "\" where \"", wanted, "\" is");
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t seed = 1, count = 40;
  bool of_cpu = false;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string(argv[i]) == "--seed") seed = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::string(argv[i]) == "--count") count = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::string(argv[i]) == "--of") of_cpu = std::string(argv[i + 1]) == "cpu";
  }
  using Check = void (*)(Case&);
  const std::vector<Check> of_norms{check_norm, check_norm_backward, check_layouts};
  const std::vector<Check> of_states{lm::check_combine, lm::check_combine_backward, lm::check_dot};
  const std::vector<Check> all{check_norm,
                               check_norm_backward,
                               lm::check_combine,
                               lm::check_combine_images,
                               lm::check_combine_backward,
                               lm::check_dot,
                               check_normalise,
                               check_mixing,
                               check_draws,
                               check_layouts,
                               lm::check_updates};
  try {
    if (!of_cpu) {
      lm::cuda::use(lm_cuda_launches_3);
      check_machine();
      check_numbers(seed);
    }
    const auto run = [&](const std::vector<Check>& checks, uint64_t i) {
      for (const Check check : checks) {
        Case c(seed, i, of_cpu);
        check(c);
      }
    };
    for (uint64_t i = 0; i < count; ++i) {
      run(of_cpu ? of_norms : all, i);
      // States are never in a half type.
      if (of_cpu && Case(seed, i, of_cpu).is_wide()) run(of_states, i);
    }
    return 0;
  } catch (const lm::Error& e) {
    std::cerr << e.code << ": " << e.message << '\n';
  } catch (const c10::Error& e) {
    std::cerr << "ERR_TORCH: " << e.what_without_backtrace() << '\n';
  }
  return 1;
}
