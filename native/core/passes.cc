#include "core/passes.h"

#include <string_view>

#include "core/ops.h"

namespace lm {
namespace {

bool is(const Node& node, std::string_view op) { return node.op->name == op; }

std::vector<int> count_uses(const Graph& graph) {
  std::vector<int> uses(graph.nodes.size(), 0);
  for (const Node& node : graph.nodes)
    for (int v : node.inputs) ++uses[static_cast<size_t>(v)];
  ++uses[static_cast<size_t>(graph.output)];
  const auto use = [&](const std::vector<int>& ids) {
    for (int v : ids)
      if (v >= 0) ++uses[static_cast<size_t>(v)];
  };
  for (const Step& step : graph.steps) {  // states are read by other strategies of memory
    use(step.before);
    use(step.after);
    if (!step.inverse) continue;
    for (const Node& node : step.inverse->nodes) use(node.inputs);
  }
  return uses;
}

// The apply node with its statistics taken in: inputs [x], params of apply, buffers and attributes of stats.
Node fused_norm(const Node& apply, const Node& stats) {
  Node node = apply;
  node.op = find_op("batchNorm");
  node.inputs = stats.inputs;
  node.buffers = stats.buffers;
  node.attrs = stats.attrs;
  return node;
}

bool has_own_stats(const Graph& graph, const Node& node, const std::vector<int>& uses) {
  if (!is(node, "batchNormApply")) return false;
  const auto stats = static_cast<size_t>(node.inputs[1]);
  return uses[stats] == 1 && is(graph.nodes[stats], "batchNormStats") &&
         graph.nodes[stats].inputs[0] == node.inputs[0];
}

}  // namespace

Graph fuse_norms(const Graph& graph) {
  const std::vector<int> uses = count_uses(graph);
  std::vector<Node> nodes = graph.nodes;
  std::vector<bool> dead(nodes.size(), false);
  std::vector<size_t> alias(nodes.size());  // where a node's value is found now
  for (size_t i = 0; i < nodes.size(); ++i) {
    alias[i] = i;
    if (has_own_stats(graph, graph.nodes[i], uses)) {
      const auto stats = static_cast<size_t>(graph.nodes[i].inputs[1]);
      nodes[i] = fused_norm(graph.nodes[i], graph.nodes[stats]);
      dead[stats] = true;
    }
    if (!is(nodes[i], "relu")) continue;
    const auto source = static_cast<size_t>(nodes[i].inputs[0]);
    if (uses[source] != 1 || !is(nodes[source], "batchNorm")) continue;
    nodes[i] = nodes[source];
    nodes[i].op = find_op("batchNormRelu");
    dead[source] = true;
  }
  Graph out = graph;
  out.nodes.clear();
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (dead[i]) continue;
    alias[i] = out.nodes.size();
    for (int& v : nodes[i].inputs) v = static_cast<int>(alias[static_cast<size_t>(v)]);
    out.nodes.push_back(nodes[i]);
  }
  out.output = static_cast<int>(alias[static_cast<size_t>(graph.output)]);
  const auto renumber = [&](std::vector<int>& ids) {
    for (int& v : ids)
      if (v >= 0) v = static_cast<int>(alias[static_cast<size_t>(v)]);
  };
  for (Step& step : out.steps) {
    renumber(step.before);
    renumber(step.after);
    if (!step.inverse) continue;
    renumber(step.inverse->before);
    for (Node& node : step.inverse->nodes) renumber(node.inputs);
  }
  return out;
}

}  // namespace lm
