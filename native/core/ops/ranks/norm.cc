#include "core/ops/ranks/norm.h"

namespace lm {
namespace {

using at::Tensor;

double values_per_channel(const Tensor& x) { return static_cast<double>(x.numel() / x.size(1)); }

// Of two numbers for each channel.
Tensor sums_for(const Tensor& x) { return at::empty({2, x.size(1)}, x.options().dtype(at::kDouble)); }

}  // namespace

// Sums in double precision: the difference of the two moments loses nothing that matters.
Moments moments_over(Ranks& ranks, const Kernels& kernels, const Tensor& x, at::ScalarType type) {
  const Tensor sums = sums_for(x);
  kernels.norm_sums(x, sums);
  ranks.sum(sums);
  const double all = values_per_channel(x) * ranks.world();
  sums.div_(all);
  return {sums[0].to(type), (sums[1] - sums[0] * sums[0]).clamp_min_(0).to(type), all};
}

void move_running(const Running& running, const Moments& moments) {
  const double unbiased = moments.count / (moments.count - 1);
  running.mean.mul_(1 - running.momentum).add_(moments.mean, running.momentum);
  running.var.mul_(1 - running.momentum).add_(moments.var, running.momentum * unbiased);
}

void norm_train_over(Ranks& ranks, const Kernels& kernels, const Norm& norm, const Running& running,
                     const Statistics& found, const Tensor& out) {
  const Moments moments = moments_over(ranks, kernels, norm.x, found.mean.scalar_type());
  move_running(running, moments);
  found.mean.copy_(moments.mean);
  found.invstd.copy_((moments.var + norm.eps).rsqrt());
  if (out.defined()) kernels.norm_again(norm, found, out);
}

void norm_backward_over(Ranks& ranks, const Kernels& kernels, const Norm& norm, const Statistics& found,
                        const Tensor& grad, const Gradients& into) {
  const Tensor sums = sums_for(norm.x);
  kernels.norm_gradient_sums(norm, found, grad, sums);
  if (into.weight.defined()) into.weight.add_(sums[1] * found.invstd);
  if (into.bias.defined()) into.bias.add_(sums[0]);
  ranks.sum(sums);
  if (!into.x.defined()) return;
  const double all = values_per_channel(norm.x) * ranks.world();
  kernels.norm_gradient(norm, found, grad, sums, all, into.x, into.before);
}

}  // namespace lm
