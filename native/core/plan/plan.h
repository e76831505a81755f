// The plan of one pass over a graph for one input size: what is called in which order, and where every value,
// gradient and kept tensor lies. Data only.
#pragma once

#include <cstdint>
#include <vector>

#include "core/graph/graph.h"
#include "core/ops/layers.h"

namespace lm {

// What a training pass keeps of the forward pass: all that backward reads; only the states between groups of
// steps, making the rest again; or, for reversible steps, not even these, for they follow from the states
// after them.
enum class Memory { kStore, kRecompute, kReverse };

struct PlanOptions {
  bool training = false;  // batch statistics and draws; else running ones, and expectations
  bool backward = false;  // a backward pass follows
  bool input_gradient = false;
  bool keep_all = false;  // for probing: no value is dropped, no pass rewrites the graph
  bool fuse = true;
  bool pack = false;       // evaluation: convolutions take in their neighbours, by weights packed for them
  bool plain = false;      // libtorch's functions instead of our own kernels
  bool again = true;       // what is cheap is made again for backward instead of kept
  bool take_norms = true;  // training: convolutions take in the norm before them, where the kernels can
  Memory memory = Memory::kStore;
  int every = 1;                          // steps between two stored states, for Memory::kRecompute
  Precision precision = Precision::kOwn;  // of convolutions and linear layers
  bool half_states = false;  // and so are states, where all that is added up to them is and kernels can

  auto operator<=>(const PlanOptions&) const = default;
};

// What a training plan can be made without, to see what it is worth. The results stay the same, but for
// rounding.
struct Switch {
  const char* name;
  bool PlanOptions::* option;
  bool off;  // its value then
};
inline constexpr Switch switches[]{
    {"fuse", &PlanOptions::fuse, false},
    {"own-kernels", &PlanOptions::plain, true},
    {"again", &PlanOptions::again, false},
    {"take-norms", &PlanOptions::take_norms, false},
    {"wide-states", &PlanOptions::half_states, true},
};

// A tensor in the arena. Feature maps are channels-last, all others are in the order of their dimensions.
struct PlannedTensor {
  enum class Type { kOwn, kHalf, kIndex };  // the model's own, the plan's half type, int64
  Sizes shape{};
  Type type = Type::kOwn;
  int64_t offset = 0;  // in bytes
  // Part of another tensor, as the op of this node says; -1: none.
  int view_of = -1, view_node = -1;
};

// How the gradient of one input is found. Numbers are those of tensors; -1: none.
struct Contribution {
  size_t input = 0;
  bool passes = false;  // it is the gradient of the result itself
  bool adds = false;    // the op adds its part to what was given before
  int from = -1;        // what other readers of the input have given before
  int scratch = -1;     // where the op writes its part if they have; else it writes to `to`
  int to = -1;          // the sum
};

// One op at work. Ids of nodes from graph.nodes.size() on are operations of inverses.
struct Call {
  enum class Kind { kForward, kAgain, kBackward } kind = Kind::kForward;
  int node = 0;
  std::vector<int> inputs{};  // tensors; -1 where a value is not there
  int output = -1;
  std::vector<int> kept{};
  int target = -1;      // the value is that of this node too
  int grad = -1;        // of the result
  int inner_grad = -1;  // Op::inner_gradient
  std::vector<Contribution> gradients{};
};

struct Plan {
  PlanOptions options;
  Graph graph{};                      // after the passes
  std::vector<Node> inverse_nodes{};  // of all steps, their inputs numbered as the ids of calls are
  std::vector<Sizes> shapes{};        // of graph.nodes, then of inverse_nodes
  int64_t drop_columns = 0;           // columns of global drop-path in the whole network
  std::vector<bool> needs_grad{};     // by node: a gradient flows to it

  std::vector<PlannedTensor> tensors{};
  int64_t bytes = 0;  // of the arena
  std::vector<Call> forward{}, backward{};
  std::vector<int> values{};  // by node: its tensor when forward has ended, -1 where it is gone
  int input = -1, output = -1, output_gradient = -1, input_gradient = -1;

  const Node& node(int id) const {
    const auto i = static_cast<size_t>(id);
    return i < graph.nodes.size() ? graph.nodes[i] : inverse_nodes[i - graph.nodes.size()];
  }
  size_t slots() const { return graph.nodes.size() + inverse_nodes.size(); }
};

// What a plan is made for: bytes of a value in the model's own type (in the half types 2, of an index 8);
// whether a pass over values is cheap beside convolutions; what the kernels can; which convolutions take in
// norms.
struct PlanTarget {
  int64_t bytes_of_own = 4;
  bool cheap_passes = false;
  // Kernels::adds, of values in the model's own type and in the plan's half type.
  bool adds = false, half_adds = false;
  TakesNorm takes_norm = nullptr;
};

Plan make_plan(const Graph& graph, int64_t n, int64_t height, int64_t width, const PlanTarget& target,
               const PlanOptions& options);

}  // namespace lm
