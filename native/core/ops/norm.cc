// Batch norm in two halves (statistics and apply), and the whole of it as the passes fuse it.
//   y = (x - mean) / sqrt(var + eps) * weight + bias;  training: mean, var of the batch; else the running
//   ones.
// Statistics are a value [2, C]: mean and inverse deviation.

#include "core/kernels/kernels.h"
#include "core/ops/rows.h"

namespace lm {
namespace {

using at::Tensor;

const Sizes kReduced{0, 2, 3};

Tensor per_channel(const Tensor& t) { return t.view({1, -1, 1, 1}); }

Tensor weight_or_ones(const Frame& f, const Tensor& x) {
  return f.has_param(0) ? f.param(0) : at::ones({x.size(1)}, f.own_options());
}

Tensor bias_or_zeros(const Frame& f, const Tensor& x) {
  return f.has_param(1) ? f.param(1) : at::zeros({x.size(1)}, f.own_options());
}

void update_running(Tensor& running, const Tensor& batch, double momentum) {
  running.mul_(1 - momentum).add_(batch, momentum);
}

Tensor evaluate(const Frame& f, const Tensor& x) {
  return std::get<0>(at::native_batch_norm(x, weight_or_ones(f, x), bias_or_zeros(f, x), f.buffer(0),
                                           f.buffer(1), false, 0, f.node.attrs.eps));
}

// Gradient of an evaluation pass: statistics are constants there.
void evaluate_backward(Frame& f, const Tensor& grad) {
  const Tensor& x = f.input();
  const Tensor invstd = (f.buffer(1) + f.node.attrs.eps).rsqrt();
  const Tensor xhat = (x - per_channel(f.buffer(0))) * per_channel(invstd);
  if (f.wants()) f.add_grad(0, (grad * per_channel(invstd * weight_or_ones(f, x))).to(x.scalar_type()), true);
  if (f.has_param(0)) f.add_param_grad(0, (grad * xhat).sum(kReduced));
  if (f.has_param(1)) f.add_param_grad(1, grad.sum(kReduced));
}

void want_samples(const Frame& f, const Tensor& x) {
  LM_CHECK(x.numel() > x.size(1), "ERR_SHAPE", f.node.path,
           ": batch statistics need more than one value per channel; use a larger batch");
}

Tensor norm_training(Frame& f, const Tensor& x) {
  if (f.recomputing()) return kernels::normalised(f);
  want_samples(f, x);
  auto [out, mean, invstd, reserve] =
      at::_batch_norm_with_update(x, weight_or_ones(f, x), bias_or_zeros(f, x), f.buffer(0), f.buffer(1),
                                  f.node.attrs.momentum, f.node.attrs.eps);
  f.saved() = {mean, invstd, reserve};
  return out;
}

void norm_training_backward(Frame& f, const Tensor& grad) {
  const Tensor& x = f.input();
  const auto& saved = f.saved();
  auto [gx, gw, gb] =
      at::batch_norm_backward(grad, x, weight_or_ones(f, x), f.buffer(0), f.buffer(1), saved[0], saved[1],
                              true, f.node.attrs.eps, {f.wants(), true, true}, saved[2]);
  if (f.wants()) f.add_grad(0, gx, true);
  if (f.has_param(0)) f.add_param_grad(0, gw);
  if (f.has_param(1)) f.add_param_grad(1, gb);
}

// By libtorch's own functions, on any device.
Tensor plain_norm_forward(Frame& f) {
  return f.training() ? norm_training(f, f.input()) : evaluate(f, f.input());
}

void plain_norm_backward(Frame& f, const Tensor& grad) {
  f.training() ? norm_training_backward(f, grad) : evaluate_backward(f, grad);
}

}  // namespace

Sizes stats_shape(const Node& node, const Graph& graph, const std::vector<Sizes>& in) {
  LM_CHECK(in[0].size() == 4, "ERR_SHAPE", node.path, ": expected feature maps [N, C, H, W]");
  for (int b : node.buffers)
    LM_CHECK(graph.buffers[static_cast<size_t>(b)].shape == Sizes{in[0][1]}, "ERR_SHAPE", node.path,
             ": the running statistics need one number per channel");
  return {2, in[0][1]};
}

Sizes apply_shape(const Node& node, const Graph& graph, const std::vector<Sizes>& in) {
  LM_CHECK(in[0].size() == 4 && in[1] == Sizes({2, in[0][1]}) && node.params.size() != 1, "ERR_SHAPE",
           node.path, ": expected feature maps, their statistics, and a weight and a bias or neither");
  for (int p : node.params)
    LM_CHECK(graph.params[static_cast<size_t>(p)].shape == Sizes{in[0][1]}, "ERR_SHAPE", node.path,
             ": weight and bias need one number per channel");
  return in[0];
}

Tensor stats_forward(Frame& f) {
  const Tensor& x = f.input();
  const double eps = f.node.attrs.eps;
  if (!f.training()) return at::stack({f.buffer(0), (f.buffer(1) + eps).rsqrt()});
  if (f.recomputing()) return f.saved()[0];
  want_samples(f, x);
  auto [var, mean] = at::var_mean(x, kReduced, /*unbiased=*/false);
  const double count = static_cast<double>(x.numel() / x.size(1));
  update_running(f.buffer(0), mean, f.node.attrs.momentum);
  update_running(f.buffer(1), var * (count / (count - 1)), f.node.attrs.momentum);
  Tensor stats = at::stack({mean, (var + eps).rsqrt()});
  f.saved() = {stats};
  return stats;
}

// d mean / dx = 1 / m;  d invstd / dx = -invstd^3 (x - mean) / m.
void stats_backward(Frame& f, const Tensor& grad) {
  if (!f.training() || !f.wants()) return;
  const Tensor& x = f.input();
  const Tensor mean = f.saved()[0][0], invstd = f.saved()[0][1];
  const double count = static_cast<double>(x.numel() / x.size(1));
  const Tensor slope = grad[1] * invstd.pow(3) / -count;
  f.add_grad(0, (x - per_channel(mean)) * per_channel(slope) + per_channel(grad[0] / count), true);
}

Tensor apply_forward(Frame& f) {
  const Tensor& x = f.input(0);
  const Tensor &mean = f.input(1)[0], &invstd = f.input(1)[1];
  const Tensor scale = invstd * weight_or_ones(f, x);
  return (x - per_channel(mean)) * per_channel(scale) + per_channel(bias_or_zeros(f, x));
}

void apply_backward(Frame& f, const Tensor& grad) {
  const Tensor& x = f.input(0);
  const Tensor mean = f.input(1)[0], invstd = f.input(1)[1];
  const Tensor weight = weight_or_ones(f, x);
  const Tensor centred = x - per_channel(mean);
  const Tensor dot = (grad * centred).sum(kReduced);
  const Tensor sum = grad.sum(kReduced);
  if (f.has_param(0)) f.add_param_grad(0, dot * invstd);
  if (f.has_param(1)) f.add_param_grad(1, sum);
  if (f.wants(0)) f.add_grad(0, grad * per_channel(invstd * weight), true);
  if (f.wants(1)) f.add_grad(1, at::stack({-sum * invstd * weight, dot * weight}), true);
}

Tensor norm_forward(Frame& f) {
  if (auto fused = kernels::norm_forward(f, false)) return *fused;
  return plain_norm_forward(f);
}

void norm_backward(Frame& f, const Tensor& grad) {
  if (!kernels::norm_backward(f, grad, false)) plain_norm_backward(f, grad);
}

Tensor norm_relu_forward(Frame& f) {
  if (auto fused = kernels::norm_forward(f, true)) return *fused;
  return plain_norm_forward(f).relu_();
}

void norm_relu_backward(Frame& f, const Tensor& grad) {
  if (kernels::norm_backward(f, grad, true)) return;
  // The sign of the output is that of the normalised input: recomputed, so that it need not be kept.
  plain_norm_backward(f, at::threshold_backward(grad, kernels::normalised(f), 0));
}

}  // namespace lm
