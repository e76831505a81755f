// What every pass is written with: a copy of a graph, node by node, in which a value may move.
#pragma once

#include <vector>

#include "core/graph/graph.h"

namespace lm {

class Rewriter {
 public:
  explicit Rewriter(const Graph& from);

  // Appends a node whose inputs are numbered as in the new graph; its number there.
  int emit(Node node);
  // The value of node v of the old graph is now that of this node of the new one.
  void alias(int v, int place) { places_[static_cast<size_t>(v)] = place; }
  // Where the value of node v of the old graph is.
  int place(int v) const { return places_[static_cast<size_t>(v)]; }
  Node& at(int place) { return out_.nodes[static_cast<size_t>(place)]; }
  // A node of the old graph with its inputs where they are now.
  Node moved(const Node& node) const;

  // The new graph: output and steps by their new numbers.
  Graph finish();

 private:
  const Graph& from_;
  Graph out_;
  std::vector<int> places_;
};

// The node whose value a node reads.
inline const Node& input_of(const Graph& graph, const Node& node, size_t i = 0) {
  return graph.nodes[static_cast<size_t>(node.inputs[i])];
}

// Batch norm as fuse_norms makes it, with or without a relu.
inline bool is_norm(const Node& node) {
  return node.op == OpKind::kBatchNorm || node.op == OpKind::kBatchNormRelu;
}

// How often every value is read: by nodes, as the output, as a state of a step or by its inverse.
std::vector<int> count_uses(const Graph& graph);

}  // namespace lm
