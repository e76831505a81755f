#include "core/plan/passes/passes.h"
#include "core/plan/passes/rewriter.h"

namespace lm {
namespace {

// An apply node whose statistics are those of its own input, read by it alone.
bool has_own_stats(const Graph& graph, const Node& node, const std::vector<int>& uses) {
  if (node.op != OpKind::kBatchNormApply || uses[static_cast<size_t>(node.inputs[1])] != 1) return false;
  const Node& stats = input_of(graph, node, 1);
  return stats.op == OpKind::kBatchNormStats && stats.inputs[0] == node.inputs[0];
}

// The apply node with its statistics taken in: inputs [x], params of apply, buffers and attributes of stats.
Node fused(const Graph& graph, const Node& apply) {
  const Node& stats = input_of(graph, apply, 1);
  Node node = apply;
  node.op = OpKind::kBatchNorm;
  node.inputs = stats.inputs;
  node.buffers = stats.buffers;
  node.attributes = stats.attributes;
  return node;
}

// Statistics that the apply node behind them takes in.
std::vector<bool> find_taken_in(const Graph& graph, const std::vector<int>& uses) {
  std::vector<bool> taken(graph.nodes.size(), false);
  for (const Node& node : graph.nodes)
    if (has_own_stats(graph, node, uses)) taken[static_cast<size_t>(node.inputs[1])] = true;
  return taken;
}

}  // namespace

Graph fuse_norms(const Graph& graph) {
  const std::vector<int> uses = count_uses(graph);
  const std::vector<bool> taken_in = find_taken_in(graph, uses);
  Rewriter rewriter(graph);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const int id = static_cast<int>(i);
    const Node& node = graph.nodes[i];
    if (taken_in[i]) continue;
    if (has_own_stats(graph, node, uses)) {
      rewriter.alias(id, rewriter.emit(rewriter.moved(fused(graph, node))));
      continue;
    }
    const bool alone = node.op == OpKind::kRelu && uses[static_cast<size_t>(node.inputs[0])] == 1;
    const int source = alone ? rewriter.place(node.inputs[0]) : -1;
    if (alone && rewriter.at(source).op == OpKind::kBatchNorm) {
      rewriter.at(source).op = OpKind::kBatchNormRelu;
      rewriter.alias(id, source);
      continue;
    }
    rewriter.alias(id, rewriter.emit(rewriter.moved(node)));
  }
  return rewriter.finish();
}

}  // namespace lm
