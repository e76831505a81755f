#include "core/plan/passes/passes.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "core/ops/ops.h"

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

// The states of steps by their new numbers.
void renumber_steps(Graph& graph, const std::vector<size_t>& places) {
  const auto renumber = [&](std::vector<int>& ids) {
    for (int& v : ids)
      if (v >= 0) v = static_cast<int>(places[static_cast<size_t>(v)]);
  };
  for (Step& step : graph.steps) {
    renumber(step.before);
    renumber(step.after);
    if (!step.inverse) continue;
    renumber(step.inverse->before);
    for (Node& node : step.inverse->nodes) renumber(node.inputs);
  }
}

// Copies a graph node by node, with casts before those that want another precision than their input has.
class Lowering {
 public:
  Lowering(const Graph& graph, Precision half) : from_(graph), half_(half), out_(graph) {
    out_.nodes.clear();
    for (Step& step : out_.steps) step.inverse.reset();
  }

  Graph run() {
    for (Node node : from_.nodes) {
      node.precision = wanted(node);
      for (int& v : node.inputs) v = in(node.precision, v);
      places_.push_back(add(node));
    }
    out_.output = in(Precision::kOwn, from_.output);
    renumber_steps(out_, places_);
    return out_;
  }

 private:
  size_t add(const Node& node) {
    out_.nodes.push_back(node);
    return out_.nodes.size() - 1;
  }

  const Node& placed(int v) const { return out_.nodes[places_[static_cast<size_t>(v)]]; }

  Precision wanted(const Node& node) const {
    if (node.op->mixed == Mixed::kHalf) return half_;
    const bool lowered =
        node.op->mixed == Mixed::kInputs && std::all_of(node.inputs.begin(), node.inputs.end(),
                                                        [&](int v) { return placed(v).precision == half_; });
    return lowered ? half_ : Precision::kOwn;
  }

  // Where the value of node v of the old graph is in this precision; it is cast once at most.
  int in(Precision precision, int v) {
    if (placed(v).precision == precision) return static_cast<int>(places_[static_cast<size_t>(v)]);
    const auto [found, fresh] = casts_.try_emplace(v, out_.nodes.size());
    if (fresh) {
      Node cast;
      cast.op = find_op("cast");
      cast.path = placed(v).path;
      cast.inputs = {static_cast<int>(places_[static_cast<size_t>(v)])};
      cast.precision = precision;
      add(cast);
    }
    return static_cast<int>(found->second);
  }

  const Graph& from_;
  Precision half_;
  Graph out_;
  std::vector<size_t> places_;   // of the old nodes
  std::map<int, size_t> casts_;  // of old nodes, in the precision that is not theirs
};

}  // namespace

Graph lower_precision(const Graph& graph, Precision half) { return Lowering(graph, half).run(); }

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
  renumber_steps(out, alias);
  return out;
}

}  // namespace lm
