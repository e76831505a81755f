#include "core/ops/ranks/norm.h"

namespace lm {
namespace {

using at::Tensor;

const std::vector<int64_t> kReduced{0, 2, 3};

Tensor wide(const Tensor& t) { return t.view({1, -1, 1, 1}); }

double values_per_channel(const Tensor& x) { return static_cast<double>(x.numel() / x.size(1)); }

}  // namespace

// Sums in double precision: the difference of the two moments loses nothing that matters.
Moments moments_over(Ranks& ranks, const Tensor& x, at::ScalarType type) {
  const double own = values_per_channel(x), all = own * ranks.world();
  const auto [var, mean] = at::var_mean(x.to(type), kReduced, /*unbiased=*/false);
  const Tensor m = mean.to(at::kDouble);
  const Tensor sums = at::stack({m, var.to(at::kDouble) + m * m}).mul_(own);
  ranks.sum(sums);
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
  const Moments moments = moments_over(ranks, norm.x, found.mean.scalar_type());
  move_running(running, moments);
  found.mean.copy_(moments.mean);
  found.invstd.copy_((moments.var + norm.eps).rsqrt());
  if (out.defined()) kernels.norm_again(norm, found, out);
}

// dx = invstd w (g - sum g / m - xhat sum(g xhat) / m), the sums being over all ranks.
void norm_backward_over(Ranks& ranks, const Norm& norm, const Statistics& found, const Tensor& grad,
                        const Gradients& into) {
  const at::ScalarType type = found.mean.scalar_type();
  const Tensor xhat = (norm.x.to(type) - wide(found.mean)).mul_(wide(found.invstd));
  Tensor g = grad.to(type);
  if (norm.relu) {
    Tensor y = norm.weight.defined() ? xhat * wide(norm.weight) : xhat;
    if (norm.bias.defined()) y = y + wide(norm.bias);
    g = at::threshold_backward(g, y.to(norm.x.scalar_type()).to(type), 0);
  }
  const Tensor sum = g.sum(kReduced), dot = (g * xhat).sum(kReduced);
  if (into.weight.defined()) into.weight.add_(dot);
  if (into.bias.defined()) into.bias.add_(sum);
  const Tensor sums = at::stack({sum, dot}).to(at::kDouble);
  ranks.sum(sums);
  if (!into.x.defined()) return;
  const Tensor means = (sums / (values_per_channel(norm.x) * ranks.world())).to(type);
  const Tensor slope = norm.weight.defined() ? found.invstd * norm.weight : found.invstd;
  into.x.copy_((g - wide(means[0]) - xhat * wide(means[1])).mul_(wide(slope)));
}

}  // namespace lm
