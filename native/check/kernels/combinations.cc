#include "check/kernels/checks.h"

namespace lm {

using at::Tensor;

void check_combine(Case& c) {
  const auto count = static_cast<size_t>(c.below(5) + 1);  // five are for libtorch
  std::vector<Tensor> values, factors(count), values64, factors64(count);
  std::vector<Term> terms, terms64;
  for (size_t i = 0; i < count; ++i) {
    values.push_back(c.values());
    values64.push_back(exact(values.back()));
    if (c.chance()) factors[i] = c.chance() ? c.per_channel().view({-1, 1, 1}) : c.random({1}, c.wide());
    factors64[i] = exact(factors[i]);
  }
  double scale = 0;
  for (size_t i = 0; i < count; ++i) {
    const double number = c.rng.normal();
    const bool given = factors[i].defined();
    terms.push_back({&values[i], number, given ? &factors[i] : nullptr});
    terms64.push_back({&values64[i], number, given ? &factors64[i] : nullptr});
    scale += largest(values[i]) * (given ? largest(factors[i]) : std::abs(number));
  }
  const Tensor out = at::empty_like(values[0]), wanted = at::empty_like(values64[0]);
  c.kernels->combine(terms, out);
  plain_kernels.combine(terms64, wanted);
  report(c, count > 4 ? "combine: five terms" : "combine", out, wanted, scale);
}

// A number for each image, of which there may be as many as channels.
void check_combine_images(Case& c) {
  const Tensor u = c.values(), u64 = exact(u), out = at::empty_like(u), wanted = at::empty_like(u64);
  if (c.type == at::kHalf || c.type == at::kBFloat16) return;  // libtorch mixes no types here
  const Tensor factor = c.random({c.sizes[0], 1, 1, 1}, c.type), factor64 = exact(factor);
  const Term term{&u, 0, &factor}, term64{&u64, 0, &factor64};
  c.kernels->combine({&term, 1}, out);
  plain_kernels.combine({&term64, 1}, wanted);
  report(c, "combine: by image", out, wanted, largest(wanted));
}

void check_dot(Case& c) {
  const Tensor a = c.values(), b = c.values();
  for (const bool one : {true, false}) {
    const Tensor sum = one ? c.random({1}, c.wide()) : c.per_channel().view({-1, 1, 1}),
                 wanted = exact(sum).clone();
    c.kernels->dot(a, b, sum);
    plain_kernels.dot(exact(a), exact(b), wanted);
    report(c, one ? "dot" : "dot by channel", sum, wanted,
           exact(a).mul(exact(b)).abs().sum().item<double>() + 1);
  }
}

void check_combine_backward(Case& c) {
  const Tensor grad = c.values(), grad64 = exact(grad);
  const auto count = static_cast<size_t>(c.below(5) + 1);
  std::vector<Tensor> values(count), factors(count), gradients(count), sums(count), wanted(count),
      wanted_sums(count), befores(count), befores64(count);
  std::vector<TermGradient> terms, exactly;
  std::vector<Tensor> values64(count), factors64(count);
  const bool by_channel = c.chance();
  for (size_t i = 0; i < count; ++i) {
    values64[i] = exact(values[i] = c.values());
    if (c.chance()) factors[i] = by_channel ? c.per_channel().view({-1, 1, 1}) : c.random({1}, c.wide());
    factors64[i] = exact(factors[i]);
    if (c.chance()) wanted[i] = exact(gradients[i] = at::empty_like(grad)).clone();
    if (gradients[i].defined() && c.kernels->adds && c.chance()) {
      befores64[i] = exact(befores[i] = c.values()).clone();
      if (c.chance()) gradients[i] = befores[i];
    }
    if (factors[i].defined() && c.chance())
      wanted_sums[i] = exact(sums[i] = c.random(factors[i].sizes(), c.wide())).clone();
    const double number = c.rng.normal();
    const auto there = [](const Tensor& t) { return t.defined() ? &t : nullptr; };
    const bool has_u = sums[i].defined();
    terms.push_back({{has_u ? &values[i] : nullptr, number, there(factors[i])},
                     there(gradients[i]),
                     there(sums[i]),
                     there(befores[i])});
    exactly.push_back({{has_u ? &values64[i] : nullptr, number, there(factors64[i])},
                       there(wanted[i]),
                       there(wanted_sums[i]),
                       there(befores64[i])});
  }
  c.kernels->combine_backward(grad, terms);
  plain_kernels.combine_backward(grad64, exactly);
  for (size_t i = 0; i < count; ++i) {
    if (gradients[i].defined())
      report(c, "combine backward: gradient", gradients[i], wanted[i], largest(wanted[i]));
    if (sums[i].defined())
      report(c, "combine backward: sum", sums[i], wanted_sums[i],
             grad64.mul(values64[i]).abs().sum().item<double>() + 1);
  }
}

}  // namespace lm
