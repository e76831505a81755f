// Coefficients of `lin`: small expressions of constants and learned numbers, evaluated on the device once per
// step.
#pragma once

#include <ATen/ATen.h>

#include "core/graph/graph.h"
#include "core/weights.h"

namespace lm {

struct Coefficient {
  bool constant = true;
  double number = 0;  // when constant
  at::Tensor tensor;  // [1] or [C, 1, 1] otherwise
};

class Coefficients {
 public:
  Coefficients(const Graph& graph, const Weights& weights);

  const Coefficient& at(int i) const { return values_[static_cast<size_t>(i)]; }
  void add_grad(int i, const at::Tensor& grad);
  // Carries the gradients collected by add_grad through the expressions to the parameters.
  void backward(Weights& grads);

 private:
  const Graph& graph_;
  std::vector<Coefficient> values_;
  std::vector<at::Tensor> grads_;
};

}  // namespace lm
