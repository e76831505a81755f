// AdamW by libtorch's fused update, and LAMB on whole sets: both keep two moments of the gradient.
#include "core/train/optimizer_steps.h"

namespace lm {
namespace {

// `set` becomes `next`, except where the step is skipped.
void commit(Weights& set, const at::Tensor& next, const at::Tensor& skipped) {
  set.flat.copy_(at::where(skipped, set.flat, next));
}

// Updates so far, this one among them; the device knows them where steps may be skipped.
at::Tensor count(const StepTable& t) { return t.sent(StepTable::kUpdate) + 1; }

// Moves both moments; m' / (sqrt(v') + eps) of all parameters.
at::Tensor direction(Model& model, const OptimizerSpec& spec, const StepTable& t, const at::Tensor& skipped) {
  const at::Tensor& g = model.set("gradient").flat;
  const double beta1 = t[StepTable::kMomentum];
  Weights &first = model.set("momentum"), &second = model.set("secondMoment");
  const at::Tensor m = first.flat * beta1 + g * (1 - beta1);
  const at::Tensor v = (second.flat * spec.beta2).addcmul_(g, g, 1 - spec.beta2);
  commit(first, m, skipped);
  commit(second, v, skipped);
  const at::Tensor steps = count(t);
  const at::Tensor bias1 = 1 - at::pow(beta1, steps), bias2 = 1 - at::pow(spec.beta2, steps);
  return (m / bias1).div_(v.sqrt().div_(bias2.sqrt()).add_(spec.eps));
}

}  // namespace

void adamw_step(Model& model, const OptimizerSpec& spec, const StepTable& t, const at::Tensor& skip) {
  const at::Tensor updates = count(t).to(skip.scalar_type()).view({1});
  for (const ParamGroup& group : spec.groups) {
    const std::vector<at::Tensor> counts(group.params.size(), updates);
    at::_fused_adamw_(tensors_of(group, model.values()), tensors_of(group, model.set("gradient")),
                      tensors_of(group, model.set("momentum")), tensors_of(group, model.set("secondMoment")),
                      /*max_exp_avg_sqs=*/{}, counts, rate(t, group), t[StepTable::kMomentum], spec.beta2,
                      t[StepTable::kWeightDecay] * group.decay_scale, spec.eps, /*amsgrad=*/false,
                      /*maximize=*/false, std::nullopt, skip);
  }
}

void adapt_moves(Model& model, const OptimizerSpec& spec, Weights& moves) {
  for (const ParamGroup& group : spec.groups) {
    if (!group.adapts) continue;
    const std::vector<at::Tensor> w = tensors_of(group, model.values()), u = tensors_of(group, moves);
    at::_foreach_mul_(
        u, norms_over(w, u, [](const at::Tensor& of_w, const at::Tensor& of_u) { return of_w / of_u; }));
  }
}

void lamb_step(Model& model, const OptimizerSpec& spec, const StepTable& t, const at::Tensor& skip) {
  const at::Tensor skipped = skip.to(at::kBool);
  Weights& moves = model.set("gradient");  // from here on the move of every weight, in its layout
  moves.flat.copy_(direction(model, spec, t, skipped));
  for (const ParamGroup& group : spec.groups) {
    const std::vector<at::Tensor> w = tensors_of(group, model.values()), u = tensors_of(group, moves);
    at::_foreach_add_(u, w, t[StepTable::kWeightDecay] * group.decay_scale);
  }
  adapt_moves(model, spec, moves);
  moves.flat.masked_fill_(skipped, 0);
  for (const ParamGroup& group : spec.groups)
    at::_foreach_add_(tensors_of(group, model.values()), tensors_of(group, moves), -rate(t, group));
}

}  // namespace lm
