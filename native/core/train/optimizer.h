// What the weights do with their gradient: SGD, AdamW, LARS or LAMB over parameter groups.
#pragma once

#include <vector>

#include "core/kernels/kernels.h"
#include "core/model.h"

namespace lm {

// What may change with every step; the schedule is computed in TypeScript.
struct StepScalars {
  double lr = 0, momentum = 0, decay = 0;
  double mix_prob = 0;   // of mixing the batch
  double ema_decay = 0;  // what the averaged weights keep of themselves
};

struct ParamGroup {
  std::vector<int> params;
  double lr_scale = 1, decay_scale = 1;
  bool adapts = false;  // LARS, LAMB: the rate of each tensor follows its norm
};

struct OptimizerSpec {
  enum class Kind { kSgd, kAdamW, kLars, kLamb };

  Kind kind = Kind::kSgd;
  bool nesterov = false;
  double dampening = 0;
  double beta2 = 0.999;  // of the second moment; that of the first is the step's momentum
  double eps = 1e-8;
  double trust = 1e-3;  // LARS: share of a tensor's norm that a step at rate 1 moves it
  std::vector<ParamGroup> groups;

  static OptimizerSpec parse(const Value& spec, const Graph& graph);
};

// Which group's factors the numbers of flat sets take, as kernels read it (Update): on the device.
struct FlatGroups {
  at::Tensor group_of, scales;

  // For sets that lie as these.
  static FlatGroups of(const OptimizerSpec& spec, const Weights& sets);
};

// One update of the weights and of the sets "momentum" and "secondMoment" from the set "gradient", which it
// may change, by the rates in the table, whose numbers were sent; before update 0 the state is zero. Nothing
// moves where `skip` (float [1]) is 1. With `groups` by the kernels of the device, from the table as it is
// there; without, tensor by tensor by libtorch's, from the table on the host.
void update(Model& model, const OptimizerSpec& spec, const std::optional<FlatGroups>& groups,
            const StepTable& table, const at::Tensor& skip);

}  // namespace lm
