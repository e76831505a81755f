#include "core/plan/passes/rewriter.h"

namespace lm {
namespace {

// Calls `visit` on the numbers of all values that the steps of a graph name.
template <typename Steps, typename Visit>
void visit_states(Steps& steps, const Visit& visit) {
  const auto all = [&](auto& ids) {
    for (auto& v : ids)
      if (v >= 0) visit(v);
  };
  for (auto& step : steps) {
    all(step.before);
    all(step.after);
    if (!step.inverse) continue;
    all(step.inverse->before);
    for (auto& node : step.inverse->nodes) all(node.inputs);
  }
}

}  // namespace

Rewriter::Rewriter(const Graph& from) : from_(from), out_(from), places_(from.nodes.size(), -1) {
  out_.nodes.clear();
}

int Rewriter::emit(Node node) {
  out_.nodes.push_back(std::move(node));
  return static_cast<int>(out_.nodes.size()) - 1;
}

Node Rewriter::moved(const Node& node) const {
  Node out = node;
  for (int& v : out.inputs) v = place(v);
  return out;
}

Graph Rewriter::finish() {
  out_.output = place(from_.output);
  visit_states(out_.steps, [&](int& v) { v = place(v); });
  return std::move(out_);
}

std::vector<int> count_uses(const Graph& graph) {
  std::vector<int> uses(graph.nodes.size(), 0);
  const auto use = [&](int v) { ++uses[static_cast<size_t>(v)]; };
  for (const Node& node : graph.nodes)
    for (int v : node.inputs) use(v);
  use(graph.output);
  visit_states(graph.steps, use);  // states are read by other strategies of memory
  return uses;
}

}  // namespace lm
