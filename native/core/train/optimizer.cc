#include "core/train/optimizer.h"

#include "core/train/optimizer_steps.h"

namespace lm {
namespace {

OptimizerSpec::Kind kind_of(const std::string& name) {
  if (name == "sgd") return OptimizerSpec::Kind::kSgd;
  if (name == "adamw") return OptimizerSpec::Kind::kAdamW;
  if (name == "lars") return OptimizerSpec::Kind::kLars;
  LM_CHECK(name == "lamb", "ERR_CONFIG", "Unknown optimizer \"", name, "\"");
  return OptimizerSpec::Kind::kLamb;
}

ParamGroup parse_group(const Value& v, const Graph& graph) {
  ParamGroup group{parameters_of(v["params"], graph), v["lrScale"].number(), v["decayScale"].number(), false};
  if (const Value* adapts = v.find("adapts")) group.adapts = adapts->boolean();
  return group;
}

void read(const Value& spec, const char* name, double& into) {
  const Value* value = spec.find(name);
  if (value == nullptr) return;
  into = value->number();
  LM_CHECK(into >= 0 && std::isfinite(into), "ERR_CONFIG", "Expected `", name,
           "` of at least 0 but received ", into);
}

}  // namespace

OptimizerSpec OptimizerSpec::parse(const Value& spec, const Graph& graph) {
  OptimizerSpec out;
  out.kind = kind_of(spec["kind"].text());
  out.nesterov = spec["nesterov"].boolean();
  read(spec, "dampening", out.dampening);
  read(spec, "beta2", out.beta2);
  read(spec, "eps", out.eps);
  read(spec, "trustCoefficient", out.trust);
  for (const Value& v : spec["groups"].list()) {
    ParamGroup group = parse_group(v, graph);
    if (!group.params.empty()) out.groups.push_back(std::move(group));
  }
  return out;
}

double rate(const StepTable& table, const ParamGroup& group) {
  return table[StepTable::kLr] * group.lr_scale;
}

std::vector<at::Tensor> tensors_of(const ParamGroup& group, const Weights& set) {
  std::vector<at::Tensor> views;
  for (int i : group.params) views.push_back(set.views[static_cast<size_t>(i)]);
  return views;
}

std::vector<at::Tensor> norms_over(const std::vector<at::Tensor>& weights,
                                   const std::vector<at::Tensor>& others,
                                   const std::function<at::Tensor(at::Tensor, at::Tensor)>& ratio) {
  const at::Tensor w = at::stack(at::_foreach_norm(weights)), g = at::stack(at::_foreach_norm(others));
  const at::Tensor known = w.gt(0).logical_and(g.gt(0));
  return at::where(known, ratio(w, g), at::ones_like(w)).unbind();
}

void update(Model& model, const OptimizerSpec& spec, const std::optional<FlatGroups>& groups,
            const StepTable& table, const at::Tensor& skip) {
  if (groups) return update_flat(model, spec, *groups, table, skip);
  switch (spec.kind) {
    case OptimizerSpec::Kind::kLars:
      adapt_gradients(model, spec, table);
      [[fallthrough]];
    case OptimizerSpec::Kind::kSgd:
      return sgd_step(model, spec, table, skip);
    case OptimizerSpec::Kind::kAdamW:
      return adamw_step(model, spec, table, skip);
    case OptimizerSpec::Kind::kLamb:
      return lamb_step(model, spec, table, skip);
  }
}

}  // namespace lm
