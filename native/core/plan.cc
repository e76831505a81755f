#include "core/plan.h"

#include <algorithm>

#include "core/ops.h"
#include "core/passes.h"

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

// Nodes that read value v in their backward, as the lowest id: backward runs from high to low, so v dies
// there.
std::vector<int> last_backward_use(const Plan& plan) {
  std::vector<int> last(plan.graph.nodes.size(), -1);
  for (int i = static_cast<int>(plan.graph.nodes.size()) - 1; i >= 0; --i) {
    const Node& node = plan.graph.nodes[static_cast<size_t>(i)];
    if (!plan.needs_grad[static_cast<size_t>(i)]) continue;
    if (node.op->keeps_inputs)
      for (int v : node.inputs) last[static_cast<size_t>(v)] = i;
    if (node.op->keeps_output) last[static_cast<size_t>(i)] = i;
  }
  return last;
}

std::vector<int> last_forward_use(const Graph& graph) {
  std::vector<int> last(graph.nodes.size());
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    last[i] = static_cast<int>(i);
    for (int v : graph.nodes[i].inputs) last[static_cast<size_t>(v)] = static_cast<int>(i);
  }
  return last;
}

void plan_memory(Plan& plan, const PlanOptions& options) {
  const size_t count = plan.graph.nodes.size();
  plan.overwrites.assign(count, false);
  plan.free_after.assign(count, {});
  plan.free_after_backward.assign(count, {});
  if (options.keep_all) return;
  const std::vector<int> forward = last_forward_use(plan.graph);
  std::vector<bool> viewed(count, false);
  for (const Node& node : plan.graph.nodes)
    if (node.op->view)
      for (int v : node.inputs) viewed[static_cast<size_t>(v)] = true;
  const std::vector<int> backward = options.training ? last_backward_use(plan) : std::vector<int>(count, -1);
  for (size_t v = 0; v < count; ++v) {
    const int id = static_cast<int>(v);
    if (id == plan.graph.output) continue;
    if (backward[v] >= 0) {
      plan.free_after_backward[static_cast<size_t>(backward[v])].push_back(id);
      continue;
    }
    plan.free_after[static_cast<size_t>(forward[v])].push_back(id);
    const Node& consumer = plan.graph.nodes[static_cast<size_t>(forward[v])];
    const bool fresh = v != 0 && !viewed[v] && !plan.graph.nodes[v].op->view;
    if (fresh && forward[v] != id && consumer.inputs[0] == id)
      plan.overwrites[static_cast<size_t>(forward[v])] = true;
  }
}

}  // namespace

Plan make_plan(const Graph& graph, int64_t n, int64_t height, int64_t width, const PlanOptions& options) {
  Plan plan;
  plan.graph = options.fuse && !options.keep_all ? fuse_norms(graph) : graph;
  plan.shapes = infer_shapes(plan.graph, n, height, width);
  plan.training = options.training;
  plan.needs_grad = find_needs_grad(plan.graph, options);
  plan_memory(plan, options);
  return plan;
}

}  // namespace lm
