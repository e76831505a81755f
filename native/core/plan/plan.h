// The plan of one pass over a graph for one input size: what needs a gradient, what is kept or made again,
// where memory is freed. Data only.
#pragma once

#include <cstdint>
#include <vector>

#include "core/graph/graph.h"

namespace lm {

// What a training pass keeps of the forward pass: all that backward reads; only the states between groups of
// steps, making the rest again; or, for reversible steps, not even these, for they follow from the states
// after them.
enum class Memory { kStore, kRecompute, kReverse };

// Runs a node again; ids from graph.nodes.size() on are operations of inverses. The value then stands for
// node `target` too.
struct Action {
  int node = 0, target = -1;
  std::vector<int> free_after;
};

// Nodes begin to end - 1. Where the segment is not stored, its program makes what their backward reads,
// before the first of them.
struct Segment {
  int begin = 0, end = 0;
  bool stored = true;
  std::vector<Action> program;
};

struct Plan {
  Graph graph;  // after the passes
  std::vector<Sizes> shapes;
  bool training = false;                  // batch statistics, and a backward pass follows
  Precision precision = Precision::kOwn;  // of convolutions and linear layers
  int64_t drop_columns = 0;               // columns of global drop-path in the whole network

  std::vector<Node> inverse_nodes;           // of all steps, their inputs numbered as actions are
  std::vector<Segment> segments;             // ascending, without gaps
  std::vector<bool> needs_grad;              // by node: a gradient flows to it
  std::vector<bool> overwrites;              // by node: may reuse its first input's memory
  std::vector<bool> drops_saved;             // by node: what its forward saved is made again
  std::vector<std::vector<int>> free_after;  // by node: values dropped after its forward
  std::vector<std::vector<int>> free_after_backward;

  const Node& node(int id) const {
    const auto i = static_cast<size_t>(id);
    return i < graph.nodes.size() ? graph.nodes[i] : inverse_nodes[i - graph.nodes.size()];
  }
  size_t slots() const { return graph.nodes.size() + inverse_nodes.size(); }
};

struct PlanOptions {
  bool training = false;
  bool input_gradient = false;
  bool keep_all = false;  // for probing: no value is dropped, nothing is fused
  bool fuse = true;
  Memory memory = Memory::kStore;
  int every = 1;  // steps between two stored states, for Memory::kRecompute
  Precision precision = Precision::kOwn;
};

Plan make_plan(const Graph& graph, int64_t n, int64_t height, int64_t width, const PlanOptions& options);

// Fills segments, overwrites, drops_saved and the lists of what is freed where.
void plan_memory(Plan& plan, const PlanOptions& options);

}  // namespace lm
