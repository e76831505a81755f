// SGD with momentum over parameter groups, by libtorch's fused update.
#pragma once

#include <vector>

#include "core/model.h"

namespace lm {

// What may change with every step; the schedule is computed in TypeScript.
struct StepScalars {
  double lr = 0, momentum = 0, decay = 0;
  double mix_prob = 0;  // of mixing the batch
};

struct ParamGroup {
  std::vector<int> params;
  double lr_scale = 1, decay_scale = 1;
};

struct OptimizerSpec {
  bool nesterov = false;
  std::vector<ParamGroup> groups;

  static OptimizerSpec parse(const Value& spec, const Graph& graph);
};

// p <- p - lr (g' or, with Nesterov, g + momentum m), m <- momentum m + g, g = gradient + decay p. No change
// where `skip` is 1.
void sgd_step(Model& model, const OptimizerSpec& spec, const StepScalars& scalars, const at::Tensor& skip);

}  // namespace lm
