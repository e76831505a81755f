#include "core/run/coefficients.h"

namespace lm {

using Kind = CoefSpec::Kind;

Coefficients::Coefficients(const Graph& graph, const Weights& weights) : graph_(graph), weights_(weights) {
  values_.reserve(graph.coefs.size());
  for (const CoefSpec& spec : graph.coefs) {
    Coefficient c{.constant = spec.kind == Kind::kConstant, .number = spec.value};
    if (c.constant) {
      values_.push_back(std::move(c));
      continue;
    }
    const bool is_param = spec.kind == Kind::kParam;
    c.tensor = is_param ? weights.views[static_cast<size_t>(spec.param)]
                        : at::zeros(spec.shape, weights.flat.options());
    c.gradient = at::zeros(c.tensor.sizes(), weights.flat.options());
    values_.push_back(std::move(c));
  }
}

at::Tensor Coefficients::operand(const CoefSpec& spec, size_t i) const {
  const Coefficient& c = at(spec.of[i]);
  return c.constant ? at::full({1}, c.number, weights_.flat.options()) : c.tensor;
}

void Coefficients::evaluate() {
  for (size_t i = 0; i < values_.size(); ++i) {
    Coefficient& c = values_[i];
    if (c.constant) continue;
    c.gradient.zero_();
    const CoefSpec& spec = graph_.coefs[i];
    switch (spec.kind) {
      case Kind::kConstant:
      case Kind::kParam:
        break;
      case Kind::kSum:
        at::add_out(c.tensor, operand(spec, 0), operand(spec, 1));
        break;
      case Kind::kProduct:
        at::mul_out(c.tensor, operand(spec, 0), operand(spec, 1));
        break;
      case Kind::kReciprocal:
        at::reciprocal_out(c.tensor, operand(spec, 0));
        break;
      case Kind::kTanh:
        at::tanh_out(c.tensor, operand(spec, 0));
        break;
    }
  }
}

void Coefficients::backward(Weights& grads) {
  for (size_t i = values_.size(); i-- > 0;) {
    const CoefSpec& spec = graph_.coefs[i];
    if (spec.kind == Kind::kConstant) continue;
    const at::Tensor &g = values_[i].gradient, &value = values_[i].tensor;
    const auto pass = [&](size_t operand, const at::Tensor& grad) {
      const Coefficient& to = at(spec.of[operand]);
      if (!to.constant) to.gradient.add_(grad.sum_to_size(to.gradient.sizes()));
    };
    switch (spec.kind) {
      case Kind::kConstant:
        break;
      case Kind::kParam: {
        at::Tensor& into = grads.views[static_cast<size_t>(spec.param)];
        into.add_(g.view(into.sizes()));
        break;
      }
      case Kind::kSum:
        pass(0, g);
        pass(1, g);
        break;
      case Kind::kProduct:
        pass(0, g * operand(spec, 1));
        pass(1, g * operand(spec, 0));
        break;
      case Kind::kReciprocal:
        pass(0, -g * value * value);
        break;
      case Kind::kTanh:
        pass(0, g * (1 - value * value));
        break;
    }
  }
}

}  // namespace lm
