// Coefficients of `lin`, evaluated on the device once per step.
#pragma once

#include <ATen/ATen.h>

#include "core/graph/graph.h"
#include "core/ops/frame.h"
#include "core/weights.h"

namespace lm {

class Coefficients {
 public:
  Coefficients(const Graph& graph, const Weights& weights);

  const Coefficient& at(int i) const { return values_[static_cast<size_t>(i)]; }
  // By the weights as they are now; gradients begin at zero.
  void evaluate();
  // Carries the gradients through the expressions to the parameters.
  void backward(Weights& grads);

 private:
  at::Tensor operand(const CoefSpec& spec, size_t i) const;

  const Graph& graph_;
  const Weights& weights_;
  std::vector<Coefficient> values_;
};

}  // namespace lm
