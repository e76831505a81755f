// libtorch's own functions: any device, any type.

#include <ATen/OpMathType.h>

#include "core/error.h"
#include "core/kernels/into.h"
#include "core/kernels/kernels.h"
#include "core/kernels/noise.h"

namespace lm {
namespace {

using at::Tensor;

const std::vector<int64_t> kReduced{0, 2, 3};

Tensor wide(const Tensor& t) { return t.view({1, -1, 1, 1}); }

// Batch norm of libtorch wants weights.
Tensor weight_or_ones(const Norm& n, const Tensor& like) {
  return n.weight.defined() ? n.weight : at::ones_like(like);
}

Tensor bias_or_zeros(const Norm& n, const Tensor& like) {
  return n.bias.defined() ? n.bias : at::zeros_like(like);
}

void norm_train(const Norm& n, const Running& running, const Statistics& found, const Tensor& result) {
  const Tensor out = result.defined() ? result : at::empty_like(n.x);
  into(out, [&] {
    auto [y, mean, invstd] =
        at::native_batch_norm(n.x, weight_or_ones(n, found.mean), bias_or_zeros(n, found.mean), running.mean,
                              running.var, /*training=*/true, running.momentum, n.eps);
    found.mean.copy_(mean);
    found.invstd.copy_(invstd);
    return y;
  });
  if (n.relu) out.relu_();
}

// Without the relu: a new tensor.
Tensor normalised(const Norm& n, const Statistics& by) {
  Tensor y = (n.x - wide(by.mean)) * wide(by.invstd);
  if (n.weight.defined()) y.mul_(wide(n.weight));
  if (n.bias.defined()) y.add_(wide(n.bias));
  return y.to(n.x.scalar_type());
}

void norm_again(const Norm& n, const Statistics& found, const Tensor& out) {
  out.copy_(normalised(n, found));
  if (n.relu) out.relu_();
}

// The sign of the output is that of the normalised input: computed again, so that it need not be kept.
Tensor behind_relu(const Norm& n, const Statistics& found, const Tensor& grad) {
  const Tensor g = grad.to(n.x.scalar_type());
  return n.relu ? at::threshold_backward(g, normalised(n, found), 0) : g;
}

void give(const Tensor& gradient, const Tensor& to, const Tensor* before) {
  to.copy_(before == nullptr ? gradient : gradient + *before);
}

void norm_backward(const Norm& n, const Statistics& found, const Tensor& grad, const Gradients& to) {
  const Tensor g = behind_relu(n, found, grad);
  auto [gx, gw, gb] =
      at::native_batch_norm_backward(g, n.x, weight_or_ones(n, found.mean), {}, {}, found.mean, found.invstd,
                                     /*train=*/true, n.eps, {to.x.defined(), true, true});
  if (to.x.defined()) give(gx, to.x, to.before);
  if (to.weight.defined()) to.weight.add_(gw);
  if (to.bias.defined()) to.bias.add_(gb);
}

void norm_sums(const Tensor& x, const Tensor& sums) {
  const auto [var, mean] =
      at::var_mean(x.to(at::toOpMathType(x.scalar_type())), kReduced, /*unbiased=*/false);
  sums[0].copy_(mean);
  sums[1].copy_(var).addcmul_(sums[0], sums[0]);
  sums.mul_(static_cast<double>(x.numel() / x.size(1)));
}

void norm_gradient_sums(const Norm& n, const Statistics& found, const Tensor& grad, const Tensor& sums) {
  const Tensor g = behind_relu(n, found, grad).to(found.mean.scalar_type());
  sums[0].copy_(g.sum(kReduced));
  sums[1].copy_((g * (n.x - wide(found.mean))).sum(kReduced));
}

void norm_gradient(const Norm& n, const Statistics& found, const Tensor& grad, const Tensor& sums,
                   double count, const Tensor& out, const Tensor* before) {
  const Tensor means = (sums / count).to(found.mean.scalar_type());
  const Tensor slope = means[1] * found.invstd.square();
  const Tensor g = behind_relu(n, found, grad) - wide(means[0]) - (n.x - wide(found.mean)) * wide(slope);
  give(g * wide(n.weight.defined() ? found.invstd * n.weight : found.invstd), out, before);
}

void norm_evaluate(const Norm& n, const Tensor& mean, const Tensor& var, const Tensor& out) {
  into(out, [&] {
    return std::get<0>(at::native_batch_norm(n.x, weight_or_ones(n, mean), bias_or_zeros(n, mean), mean, var,
                                             /*training=*/false, 0, n.eps));
  });
  if (n.relu) out.relu_();
}

void convolve_into(const Convolution& c, const Tensor& out) {
  // With one input channel the result comes back in NCHW: `into` puts it in order.
  into(out, [&] { return convolve(c.x, c.weight, c.bias, c.sliding); });
}

void convolve_backward_into(const Convolution& c, const Tensor& grad, const Gradients& to) {
  ConvolutionGradients found;
  const auto gradients = [&] {
    found = convolve_backward(grad, c.x, c.weight, c.sliding,
                              {to.x.defined(), to.weight.defined(), to.bias.defined()});
    return found.x;
  };
  if (to.x.defined())
    into(to.x, gradients);
  else
    gradients();
  if (to.weight.defined()) to.weight.add_(found.weight);
  if (to.bias.defined()) to.bias.add_(found.bias);
}

void combine(std::span<const Term> terms, const Tensor& out) {
  for (size_t i = 0; i < terms.size(); ++i) {
    const Term& t = terms[i];
    Tensor sum = out;
    if (i == 0 && t.tensor != nullptr)
      at::mul_out(sum, *t.u, *t.tensor);
    else if (i == 0)
      at::mul_out(sum, *t.u, at::scalar_tensor(t.number, t.u->options()));
    else if (t.tensor != nullptr)
      sum.addcmul_(*t.u, *t.tensor);
    else
      sum.add_(*t.u, t.number);
  }
}

void dot(const Tensor& a, const Tensor& b, const Tensor& sum) { sum.add_(a.mul(b).sum_to_size(sum.sizes())); }

void combine_backward(const Tensor& grad, std::span<const TermGradient> terms) {
  combine_backward_by_parts(plain_kernels, grad, terms);
}

void normalise(const Tensor& pixels, const std::vector<double>& scale, const std::vector<double>& shift,
               const Tensor& out) {
  const Tensor there = pixels.to(out.device(), /*non_blocking=*/pixels.is_pinned());
  // Written there number by number: a copy would have the host wait.
  const auto per_channel = [&](const std::vector<double>& values) {
    const Tensor numbers = at::empty({static_cast<int64_t>(values.size())}, out.options());
    for (size_t c = 0; c < values.size(); ++c) numbers[static_cast<int64_t>(c)].fill_(values[c]);
    return wide(numbers);
  };
  out.copy_(
      at::addcmul(per_channel(shift), there.to(out.scalar_type()).permute({0, 3, 1, 2}), per_channel(scale)));
}

// By the host, which reads the numbers where they are.
void mix_by_host(const Tensor& x, const double* numbers) {
  const auto at = [&](int i) { return static_cast<int64_t>(numbers[i]); };
  const double share = numbers[0];
  const Tensor inside = x.slice(2, at(1), at(2)).slice(3, at(3), at(4));
  const Tensor exchanged = inside.flip(0);
  if (share != 1) x.lerp_(x.flip(0), 1 - share);
  inside.copy_(exchanged);
}

// 1 in [from, to) of so many places, else 0.
Tensor span(int64_t size, const Tensor& from, const Tensor& to) {
  const Tensor place = at::arange(size, from.options());
  return place.ge(from).logical_and(place.lt(to));
}

void mix_images(const Tensor& x, const Tensor& numbers) {
  if (numbers.device().is_cpu()) return mix_by_host(x, numbers.const_data_ptr<double>());
  const Tensor rows = span(x.size(2), numbers[1], numbers[2]),
               columns = span(x.size(3), numbers[3], numbers[4]);
  const Tensor inside = rows.unsqueeze(1).logical_and(columns);
  x.lerp_(x.flip(0), (1 - numbers[0]).masked_fill(inside, 1).to(x.scalar_type()));
}

// Drawn on the host: the same numbers on every device. It goes on while they are copied, and the allocator
// keeps their memory until they are.
template <typename Fill>
void drawn(const Tensor& out, const DrawKeys& keys, const Fill& fill) {
  if (out.device().is_cpu()) return fill(out);
  LM_CHECK(!keys.is_sent_alone, "ERR_TORCH", "Without kernels of ours noise is drawn on the host");
  const auto pinned = at::TensorOptions().dtype(out.scalar_type()).pinned_memory(true);
  const Tensor host = at::empty(out.sizes(), pinned, format_of(out));
  fill(host);
  out.copy_(host, /*non_blocking=*/true);
}

void dropout_mask(const DrawKeys& keys, double p, const Tensor& out) {
  drawn(out, keys, [&](const Tensor& host) { fill_dropout_mask(keys, p, host); });
}

void gaussian(const DrawKeys& keys, double deviation, const Tensor& out) {
  drawn(out, keys, [&](const Tensor& host) { fill_gaussian(keys, deviation, host); });
}

}  // namespace

void combine_backward_by_parts(const Kernels& kernels, const Tensor& grad,
                               std::span<const TermGradient> terms) {
  for (const TermGradient& t : terms) {
    if (t.sum != nullptr) kernels.dot(grad, *t.term.u, *t.sum);
    if (t.gradient == nullptr) continue;
    const Term scaled{&grad, t.term.number, t.term.tensor};
    const Tensor part = t.before == nullptr ? *t.gradient : at::empty_like(*t.gradient);
    kernels.combine({&scaled, 1}, part);
    if (t.before != nullptr) t.gradient->copy_(*t.before + part);
  }
}

constinit const Kernels plain_kernels{
    .name = "plain",
    .norm_train = norm_train,
    .norm_again = norm_again,
    .norm_backward = norm_backward,
    .norm_sums = norm_sums,
    .norm_gradient_sums = norm_gradient_sums,
    .norm_gradient = norm_gradient,
    .norm_evaluate = norm_evaluate,
    .convolve = convolve_into,
    .convolve_backward = convolve_backward_into,
    .combine = combine,
    .dot = dot,
    .combine_backward = combine_backward,
    .normalise = normalise,
    .mix_images = mix_images,
    .dropout_mask = dropout_mask,
    .gaussian = gaussian,
};

}  // namespace lm
