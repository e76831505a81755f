#include "core/plan/plan.h"

#include <algorithm>

#include "core/ops/ops.h"
#include "core/plan/passes/passes.h"

namespace lm {
namespace {

std::vector<bool> find_needs_grad(const Graph& graph, const PlanOptions& options) {
  std::vector<bool> needs(graph.nodes.size(), false);
  needs[0] = options.input_gradient;
  const auto learned = [&](int coef) {
    return graph.coefs[static_cast<size_t>(coef)].kind != CoefSpec::Kind::kConstant;
  };
  for (size_t i = 1; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    needs[i] = !node.params.empty() || std::any_of(node.coefs.begin(), node.coefs.end(), learned) ||
               std::any_of(node.inputs.begin(), node.inputs.end(),
                           [&](int j) { return needs[static_cast<size_t>(j)]; });
  }
  return needs;
}

int64_t count_columns(const Graph& graph) {
  int64_t columns = 0;
  for (const Node& node : graph.nodes)
    for (int64_t column : node.attrs.columns) columns = std::max(columns, column + 1);
  return columns;
}

}  // namespace

Plan make_plan(const Graph& graph, int64_t n, int64_t height, int64_t width, const PlanOptions& options) {
  Plan plan;
  plan.graph = options.fuse && !options.keep_all ? fuse_norms(graph) : graph;
  plan.precision = options.precision;
  if (plan.precision != Precision::kOwn) {
    LM_CHECK(options.memory != Memory::kReverse, "ERR_CONFIG",
             "Steps in mixed precision cannot be undone: expected another `memory` than reverse");
    plan.graph = lower_precision(plan.graph, plan.precision);
  }
  plan.shapes = infer_shapes(plan.graph, n, height, width);
  plan.training = options.training;
  plan.drop_columns = count_columns(plan.graph);
  plan.needs_grad = find_needs_grad(plan.graph, options);
  plan_memory(plan, options);
  return plan;
}

}  // namespace lm
