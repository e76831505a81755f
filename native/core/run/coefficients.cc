#include "core/run/coefficients.h"

namespace lm {
namespace {

using Kind = CoefSpec::Kind;

at::Tensor tensor_of(const Coefficient& c, const at::Tensor& like) {
  return c.constant ? at::full({1}, c.number, like.options()) : c.tensor;
}

}  // namespace

Coefficients::Coefficients(const Graph& graph, const Weights& weights)
    : graph_(graph), grads_(graph.coefs.size()) {
  values_.reserve(graph.coefs.size());
  for (const CoefSpec& spec : graph.coefs) {
    const auto operand = [&](size_t i) {
      return tensor_of(values_[static_cast<size_t>(spec.of[i])], weights.flat);
    };
    switch (spec.kind) {
      case Kind::kConstant:
        values_.push_back({true, spec.value, {}});
        break;
      case Kind::kParam:
        values_.push_back({false, 0, weights.views[static_cast<size_t>(spec.param)]});
        break;
      case Kind::kSum:
        values_.push_back({false, 0, operand(0).add(operand(1))});
        break;
      case Kind::kProduct:
        values_.push_back({false, 0, operand(0).mul(operand(1))});
        break;
      case Kind::kReciprocal:
        values_.push_back({false, 0, operand(0).reciprocal()});
        break;
      case Kind::kTanh:
        values_.push_back({false, 0, operand(0).tanh()});
        break;
    }
  }
}

void Coefficients::add_grad(int i, const at::Tensor& grad) {
  at::Tensor& sum = grads_[static_cast<size_t>(i)];
  sum = sum.defined() ? sum.add(grad) : grad;
}

void Coefficients::backward(Weights& grads) {
  for (int i = static_cast<int>(graph_.coefs.size()) - 1; i >= 0; --i) {
    const at::Tensor& g = grads_[static_cast<size_t>(i)];
    const CoefSpec& spec = graph_.coefs[static_cast<size_t>(i)];
    if (!g.defined() || spec.kind == Kind::kConstant) continue;
    const auto pass = [&](size_t operand, const at::Tensor& grad) {
      const Coefficient& to = at(spec.of[operand]);
      if (!to.constant) add_grad(spec.of[operand], grad.sum_to_size(to.tensor.sizes()));
    };
    const auto operand = [&](size_t k) { return tensor_of(at(spec.of[k]), g); };
    const at::Tensor& value = at(i).tensor;
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
        pass(0, g * operand(1));
        pass(1, g * operand(0));
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
