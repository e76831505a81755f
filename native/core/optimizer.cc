#include "core/optimizer.h"

namespace lm {

OptimizerSpec OptimizerSpec::parse(const Value& spec, const Graph& graph) {
  LM_CHECK(spec["kind"].text() == "sgd", "ERR_CONFIG", "Unknown optimizer \"", spec["kind"].text(), "\"");
  OptimizerSpec out{spec["nesterov"].boolean(), {}};
  for (const Value& v : spec["groups"].list()) {
    ParamGroup group{{}, v["lrScale"].number(), v["decayScale"].number()};
    for (int64_t i : v["params"].integers()) {
      LM_CHECK(i >= 0 && static_cast<size_t>(i) < graph.params.size(), "ERR_CONFIG", "There is no parameter ",
               i);
      group.params.push_back(static_cast<int>(i));
    }
    if (!group.params.empty()) out.groups.push_back(std::move(group));
  }
  return out;
}

void sgd_step(Model& model, const OptimizerSpec& spec, const StepScalars& s, const at::Tensor& skip) {
  Weights &weights = model.values(), &grads = model.set("gradient");
  for (const ParamGroup& group : spec.groups) {
    std::vector<at::Tensor> w, g, m;
    for (int i : group.params) {
      w.push_back(weights.views[static_cast<size_t>(i)]);
      g.push_back(grads.views[static_cast<size_t>(i)]);
      if (s.momentum != 0) m.push_back(model.set("momentum").views[static_cast<size_t>(i)]);
    }
    // The buffers start at zero, so no step is a first step; the fused update rejects a list of them at
    // momentum 0.
    at::_fused_sgd_(w, g, m, s.decay * group.decay_scale, s.momentum, s.lr * group.lr_scale, /*dampening=*/0,
                    spec.nesterov && s.momentum != 0, /*maximize=*/false, /*is_first_step=*/false,
                    std::nullopt, skip);
  }
}

}  // namespace lm
