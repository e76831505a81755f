// Batch norm in two halves (statistics and apply), and the whole of it as the passes fuse it.
//   y = (x - mean) / sqrt(var + eps) * weight + bias;  training: mean, var of the batch; else the running
//   ones.
// Statistics are a value [2, C]: mean and inverse deviation.

#include "core/ops/norm.h"

#include "core/ops/attributes.h"
#include "core/ops/layers.h"
#include "core/ops/ranks/norm.h"
#include "core/ops/shapes.h"

namespace lm {
namespace {

using at::Tensor;

std::shared_ptr<const Attributes> parse(const Value& v) {
  const AttributeReader reader(v);
  auto a = std::make_shared<NormAttributes>();
  reader.read("eps", a->eps);
  reader.read("momentum", a->momentum);
  return a;
}

const Sizes kReduced{0, 2, 3};

Tensor wide(const Tensor& t) { return t.view({1, -1, 1, 1}); }

Tensor weight_or_ones(const Frame& f, const Tensor& like) {
  return f.has_param(0) ? f.param(0) : at::ones_like(like);
}

void want_samples(const Frame& f) {
  const Tensor& x = f.input();
  LM_CHECK(f.ranks() != nullptr || x.numel() > x.size(1), "ERR_SHAPE", f.node.path,
           ": batch statistics need more than one value per channel; use a larger batch");
}

double values_per_channel(const Tensor& x) { return static_cast<double>(x.numel() / x.size(1)); }

// --- the statistics

Sizes stats_shape(const Node& node, const Graph& graph, const std::vector<Sizes>& in) {
  LM_CHECK(in[0].size() == 4, "ERR_SHAPE", node.path, ": expected feature maps [N, C, H, W]");
  for (int b : node.buffers)
    LM_CHECK(graph.buffers[static_cast<size_t>(b)].shape == Sizes{in[0][1]}, "ERR_SHAPE", node.path,
             ": the running statistics need one number per channel");
  return {2, in[0][1]};
}

std::vector<KeptTensor> stats_keeps(const Node&, const Sizes&, const Sizes& output) {
  return {{output, KeptTensor::Type::kOwn}};
}

Moments moments_of(const Frame& f) {
  const Tensor& x = f.input();
  if (f.ranks() != nullptr) return moments_over(*f.ranks(), f.kernels, x, x.scalar_type());
  auto [var, mean] = at::var_mean(x, kReduced, /*unbiased=*/false);
  return {mean, var, values_per_channel(x)};
}

void stats_forward(Frame& f) {
  const Tensor& out = f.output();
  const auto& a = f.node.as<NormAttributes>();
  if (!f.training()) {
    out[0].copy_(f.buffer(0));
    out[1].copy_((f.buffer(1) + a.eps).rsqrt());
    return;
  }
  if (!f.recomputing()) {
    want_samples(f);
    const Moments moments = moments_of(f);
    move_running({f.buffer(0), f.buffer(1), a.momentum}, moments);
    f.kept(0)[0].copy_(moments.mean);
    f.kept(0)[1].copy_((moments.var + a.eps).rsqrt());
  }
  out.copy_(f.kept(0));
}

// d mean / dx = 1 / m;  d invstd / dx = -invstd^3 (x - mean) / m. Running statistics are constants.
void stats_backward(Frame& f) {
  if (!f.training()) {
    if (f.wants()) f.grad_of().zero_();
    return;
  }
  const Tensor& x = f.input();
  const Tensor grad = f.ranks() != nullptr ? f.grad().clone(at::MemoryFormat::Contiguous) : f.grad();
  if (f.ranks() != nullptr) f.ranks()->sum(grad);  // of all values that the statistics are of
  if (!f.wants()) return;
  const Tensor mean = f.kept(0)[0], invstd = f.kept(0)[1];
  const double count = values_per_channel(x) * (f.ranks() != nullptr ? f.ranks()->world() : 1);
  const Tensor slope = grad[1] * invstd.pow(3) / -count;
  f.grad_of().copy_((x - wide(mean)) * wide(slope) + wide(grad[0] / count));
}

// --- their use

Sizes apply_shape(const Node& node, const Graph& graph, const std::vector<Sizes>& in) {
  LM_CHECK(in[0].size() == 4 && in[1] == Sizes({2, in[0][1]}) && node.params.size() != 1, "ERR_SHAPE",
           node.path, ": expected feature maps, their statistics, and a weight and a bias or neither");
  for (size_t i = 0; i < node.params.size(); ++i)
    LM_CHECK(graph.param_shape(node, i) == Sizes{in[0][1]}, "ERR_SHAPE", node.path,
             ": weight and bias need one number per channel");
  return in[0];
}

void apply_forward(Frame& f) {
  const Tensor &x = f.input(0), mean = f.input(1)[0], invstd = f.input(1)[1];
  const Tensor bias = f.has_param(1) ? f.param(1) : at::zeros_like(mean);
  f.output().copy_((x - wide(mean)) * wide(invstd * weight_or_ones(f, mean)) + wide(bias));
}

void apply_backward(Frame& f) {
  const Tensor &x = f.input(0), &grad = f.grad();
  const Tensor mean = f.input(1)[0], invstd = f.input(1)[1];
  const Tensor weight = weight_or_ones(f, mean);
  const Tensor dot = (grad * (x - wide(mean))).sum(kReduced);
  const Tensor sum = grad.sum(kReduced);
  if (f.has_param(0)) f.param_grad(0).add_(dot * invstd);
  if (f.has_param(1)) f.param_grad(1).add_(sum);
  if (f.wants(0)) f.grad_of(0).copy_(grad * wide(invstd * weight));
  if (f.wants(1)) f.grad_of(1).copy_(at::stack({-sum * invstd * weight, dot * weight}));
}

// --- both, and a relu

template <bool kRelu>
Norm norm_of(const Frame& f) {
  return {f.input(), f.param(0), f.param(1), f.node.as<NormAttributes>().eps, kRelu};
}

Statistics found(const Frame& f) { return {f.kept(0), f.kept(1)}; }

std::vector<KeptTensor> norm_keeps(const Node&, const Sizes& input, const Sizes&) {
  return kept_statistics(input);
}

template <bool kRelu>
void norm_forward(Frame& f) {
  const Norm norm = norm_of<kRelu>(f);
  if (!f.training()) return f.kernels.norm_evaluate(norm, f.buffer(0), f.buffer(1), f.output());
  if (f.recomputing()) return f.kernels.norm_again(norm, found(f), f.output());
  train_norm(f, f.kernels, norm, f.node.as<NormAttributes>().momentum, f.output());
}

// Where the statistics are constants.
template <bool kRelu>
void fixed_norm_backward(Frame& f) {
  const Tensor &x = f.input(), &mean = f.buffer(0);
  const Tensor invstd = (f.buffer(1) + f.node.as<NormAttributes>().eps).rsqrt();
  const Tensor weight = weight_or_ones(f, mean);
  const Tensor xhat = (x - wide(mean)) * wide(invstd);
  Tensor grad = f.grad();
  if (kRelu) {
    Tensor y = xhat * wide(weight);
    if (f.has_param(1)) y.add_(wide(f.param(1)));
    grad = at::threshold_backward(grad, y.to(x.scalar_type()), 0);
  }
  if (f.has_param(0)) f.param_grad(0).add_((grad * xhat).sum(kReduced));
  if (f.has_param(1)) f.param_grad(1).add_(grad.sum(kReduced));
  if (!f.wants()) return;
  grad = grad * wide(invstd * weight);
  f.grad_of().copy_(f.grad_before() == nullptr ? grad : grad + *f.grad_before());
}

template <bool kRelu>
void norm_backward(Frame& f) {
  if (!f.training()) return fixed_norm_backward<kRelu>(f);
  const Tensor nowhere;
  norm_gradients(f, f.kernels, norm_of<kRelu>(f), f.grad(),
                 {f.wants() ? f.grad_of() : nowhere, f.param_grad(0), f.param_grad(1), f.grad_before()});
}

template <bool kRelu>
constexpr Op fused_norm(OpKind kind, std::string_view name) {
  return {.kind = kind,
          .name = name,
          .params = {0, 2},
          .buffers = 2,
          .internal = true,
          .keeps_inputs = true,
          .in_place_backward = true,
          .adds = true,
          .cheap = true,
          .kept = Kept::kOnce,
          .mixed = Mixed::kInputs,
          .shape = same_shape,
          .keeps = norm_keeps,
          .forward = norm_forward<kRelu>,
          .backward = norm_backward<kRelu>};
}

}  // namespace

std::vector<KeptTensor> kept_statistics(const Sizes& x) {
  return {{{x[1]}, KeptTensor::Type::kOwn}, {{x[1]}, KeptTensor::Type::kOwn}};
}

void train_norm(const Frame& f, const Kernels& kernels, const Norm& norm, double momentum,
                const Tensor& out) {
  want_samples(f);
  const Running running{f.buffer(0), f.buffer(1), momentum};
  if (f.ranks() != nullptr) return norm_train_over(*f.ranks(), kernels, norm, running, found(f), out);
  kernels.norm_train(norm, running, found(f), out);
}

void norm_gradients(const Frame& f, const Kernels& kernels, const Norm& norm, const Tensor& grad,
                    const Gradients& into) {
  if (f.ranks() != nullptr) return norm_backward_over(*f.ranks(), kernels, norm, found(f), grad, into);
  kernels.norm_backward(norm, found(f), grad, into);
}

extern const Op batch_norm_stats_op, batch_norm_apply_op, batch_norm_op, batch_norm_relu_op;

constinit const Op batch_norm_stats_op{.kind = OpKind::kBatchNormStats,
                                       .name = "batchNormStats",
                                       .buffers = 2,
                                       .keeps_inputs = true,
                                       .kept = Kept::kOnce,
                                       .parse = parse,
                                       .shape = stats_shape,
                                       .keeps = stats_keeps,
                                       .forward = stats_forward,
                                       .backward = stats_backward};

constinit const Op batch_norm_apply_op{.kind = OpKind::kBatchNormApply,
                                       .name = "batchNormApply",
                                       .inputs = {2, 2},
                                       .params = {0, 2},
                                       .keeps_inputs = true,
                                       .shape = apply_shape,
                                       .forward = apply_forward,
                                       .backward = apply_backward};

constinit const Op batch_norm_op = fused_norm<false>(OpKind::kBatchNorm, "batchNorm");
constinit const Op batch_norm_relu_op = fused_norm<true>(OpKind::kBatchNormRelu, "batchNormRelu");

}  // namespace lm
