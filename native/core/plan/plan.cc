#include "core/plan/plan.h"

#include <algorithm>
#include <functional>

#include "core/error.h"
#include "core/ops/mix.h"
#include "core/ops/op.h"
#include "core/plan/calls.h"
#include "core/plan/passes/passes.h"
#include "core/plan/schedule.h"

namespace lm {
namespace {

using Pass = std::function<Graph(const Graph&)>;

std::vector<Pass> passes_for(const PlanOptions& options, const PlanTarget& target, const Sizes& images) {
  std::vector<Pass> passes;
  if (options.keep_all) return passes;
  if (!options.training) passes.push_back(expect_noise);
  if (options.fuse) passes.push_back(fuse_norms);
  const bool takes_norms = options.training && options.take_norms && target.takes_norm != nullptr;
  if (options.pack) passes.push_back(fuse_convolutions);
  if (options.precision != Precision::kOwn)
    passes.push_back([half = options.precision, states = options.half_states && target.half_adds](
                         const Graph& g) { return lower_precision(g, half, states); });
  if (takes_norms)
    passes.push_back([=](const Graph& g) {
      return take_in_norms(g, infer_shapes(g, images[0], images[1], images[2]), target.takes_norm);
    });
  return passes;
}

std::vector<bool> find_needs_grad(const Graph& graph, const PlanOptions& options) {
  std::vector<bool> needs(graph.nodes.size(), false);
  needs[0] = options.input_gradient;
  for (size_t i = 1; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    needs[i] = !node.params.empty() || std::any_of(node.coefs.begin(), node.coefs.end(), [&](int c) {
      return graph.is_learned(c);
    }) || std::any_of(node.inputs.begin(), node.inputs.end(), [&](int j) {
      return needs[static_cast<size_t>(j)];
    });
  }
  return needs;
}

int64_t count_columns(const Graph& graph) {
  int64_t columns = 0;
  for (const Node& node : graph.nodes)
    if (node.op == OpKind::kMix)
      for (int64_t column : node.as<MixAttributes>().columns) columns = std::max(columns, column + 1);
  return columns;
}

void infer_inverse_shapes(Plan& plan) {
  for (const Node& node : plan.inverse_nodes) {
    std::vector<Sizes> inputs;
    for (int v : node.inputs) inputs.push_back(plan.shapes[static_cast<size_t>(v)]);
    plan.shapes.push_back(op_of(node).shape(node, plan.graph, inputs));
  }
}

}  // namespace

Plan make_plan(const Graph& graph, int64_t n, int64_t height, int64_t width, const PlanTarget& target,
               const PlanOptions& options) {
  LM_CHECK(options.precision == Precision::kOwn || options.memory != Memory::kReverse, "ERR_CONFIG",
           "Steps in mixed precision cannot be undone: expected another `memory` than reverse");
  Plan plan{.options = options, .graph = graph};
  plan.options.again = options.again && target.cheap_passes;
  for (const Pass& pass : passes_for(options, target, {n, height, width})) plan.graph = pass(plan.graph);
  plan.shapes = infer_shapes(plan.graph, n, height, width);
  plan.drop_columns = count_columns(plan.graph);
  plan.needs_grad = find_needs_grad(plan.graph, options);
  const Schedule schedule = make_schedule(plan);
  infer_inverse_shapes(plan);
  plan_calls(plan, schedule, target);
  return plan;
}

}  // namespace lm
