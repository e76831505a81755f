// Updates by kernels that move whole sets at once, and read all of a step's numbers on the device.
#include <limits>

#include "core/train/optimizer_steps.h"

namespace lm {
namespace {

static_assert(Weights::kAlign % kUpdatePiece == 0);

Update update_of(Model& model, const OptimizerSpec& spec, const FlatGroups& groups, const StepTable& table,
                 const at::Tensor& skip) {
  using Kind = OptimizerSpec::Kind;
  const bool two = spec.kind == Kind::kAdamW || spec.kind == Kind::kLamb;
  const bool one = two || table[StepTable::kMomentum] != 0;  // else no memory is taken for it
  return {.weights = model.values().flat,
          .gradient = model.set("gradient").flat,
          .momentum = one ? model.set("momentum").flat : at::Tensor(),
          .second = two ? model.set("secondMoment").flat : at::Tensor(),
          .group_of = groups.group_of,
          .scales = groups.scales,
          .count = table.sent(StepTable::kUpdate),
          .lr = table.sent(StepTable::kLr),
          .momentum_rate = table.sent(StepTable::kMomentum),
          .decay = table.sent(StepTable::kWeightDecay),
          .skip = skip};
}

}  // namespace

FlatGroups FlatGroups::of(const OptimizerSpec& spec, const Weights& sets) {
  LM_CHECK(spec.groups.size() <= std::numeric_limits<int16_t>::max(), "ERR_CONFIG", "Expected at most ",
           std::numeric_limits<int16_t>::max(), " groups of parameters but received ", spec.groups.size());
  at::Tensor group_of = at::full({sets.flat.numel() / kUpdatePiece}, -1, at::kShort);
  at::Tensor scales = at::empty({static_cast<int64_t>(spec.groups.size()), 2}, at::kDouble);
  double* scale = scales.data_ptr<double>();
  for (size_t g = 0; g < spec.groups.size(); ++g) {
    const ParamGroup& group = spec.groups[g];
    const bool has_decayed = spec.kind == OptimizerSpec::Kind::kLars && group.adapts;
    *scale++ = group.lr_scale;
    *scale++ = has_decayed ? 0 : group.decay_scale;
    for (const at::Tensor& view : tensors_of(group, sets)) {
      const int64_t first = view.storage_offset() / kUpdatePiece;
      const int64_t pieces = (view.numel() + kUpdatePiece - 1) / kUpdatePiece;
      group_of.narrow(0, first, pieces).fill_(static_cast<int64_t>(g));
    }
  }
  return {group_of.to(sets.flat.device()), scales.to(sets.flat.options())};
}

void update_flat(Model& model, const OptimizerSpec& spec, const FlatGroups& groups, const StepTable& table,
                 const at::Tensor& skip) {
  const Update update = update_of(model, spec, groups, table, skip);
  const Kernels& kernels = kernels_for(update.weights.device(), update.weights.scalar_type());
  switch (spec.kind) {
    case OptimizerSpec::Kind::kLars:
      adapt_gradients(model, spec, table);
      [[fallthrough]];
    case OptimizerSpec::Kind::kSgd:
      return kernels.sgd(update, {.dampening = spec.dampening, .nesterov = spec.nesterov});
    case OptimizerSpec::Kind::kAdamW:
      return kernels.adam(update, {.beta2 = spec.beta2, .eps = spec.eps, .moves = true});
    case OptimizerSpec::Kind::kLamb:
      kernels.adam(update, {.beta2 = spec.beta2, .eps = spec.eps, .moves = false});
      adapt_moves(model, spec, model.set("gradient"));
      return kernels.sgd(update, {.bare = true});
  }
}

}  // namespace lm
