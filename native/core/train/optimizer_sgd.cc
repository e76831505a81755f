// SGD by libtorch's fused update, and LARS, which is SGD on gradients whose length follows the weights.
#include "core/train/optimizer_steps.h"

namespace lm {

void adapt_gradients(Model& model, const OptimizerSpec& spec, const StepTable& t) {
  for (const ParamGroup& group : spec.groups) {
    if (!group.adapts) continue;
    const std::vector<at::Tensor> w = tensors_of(group, model.values());
    const std::vector<at::Tensor> g = tensors_of(group, model.set("gradient"));
    // As the device knows it: a step that is recorded reads the next one there.
    const at::Tensor decay = t.sent(StepTable::kWeightDecay).mul(group.decay_scale).to(w[0].scalar_type());
    const auto ratios = norms_over(w, g, [&](const at::Tensor& of_w, const at::Tensor& of_g) {
      return of_w * spec.trust / (of_g + of_w * decay + spec.eps);
    });
    at::_foreach_add_(g, at::_foreach_mul(w, decay));
    at::_foreach_mul_(g, ratios);
  }
}

void sgd_step(Model& model, const OptimizerSpec& spec, const StepTable& t, const at::Tensor& skip) {
  for (const ParamGroup& group : spec.groups) {
    const std::vector<at::Tensor> w = tensors_of(group, model.values());
    const std::vector<at::Tensor> g = tensors_of(group, model.set("gradient"));
    // From a momentum of zero a first step differs from others only by the dampening, which it is spared.
    const bool is_first = t[StepTable::kUpdate] == 0 && spec.dampening != 0;
    // The fused update rejects a list of momenta at momentum 0.
    std::vector<at::Tensor> m;
    if (t[StepTable::kMomentum] != 0) m = tensors_of(group, model.set("momentum"));
    at::_fused_sgd_(w, g, m, group.adapts ? 0 : t[StepTable::kWeightDecay] * group.decay_scale,
                    t[StepTable::kMomentum], rate(t, group), spec.dampening,
                    spec.nesterov && t[StepTable::kMomentum] != 0,
                    /*maximize=*/false, is_first, std::nullopt, skip);
  }
}

}  // namespace lm
