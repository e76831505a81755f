// The plan of one pass over a graph for one input size: what needs a gradient, what is kept, where memory is
// freed. Data only.
#pragma once

#include <cstdint>
#include <vector>

#include "core/graph.h"

namespace lm {

struct Plan {
  Graph graph;  // after the passes
  std::vector<Sizes> shapes;
  bool training = false;  // batch statistics, and a backward pass follows

  std::vector<bool> needs_grad;              // by node: a gradient flows to it
  std::vector<bool> overwrites;              // by node: may reuse its first input's memory
  std::vector<std::vector<int>> free_after;  // by node: values dropped after its forward
  std::vector<std::vector<int>> free_after_backward;
};

struct PlanOptions {
  bool training = false;
  bool input_gradient = false;
  bool keep_all = false;  // for probing: no value is dropped, nothing is fused
  bool fuse = true;
};

Plan make_plan(const Graph& graph, int64_t n, int64_t height, int64_t width, const PlanOptions& options);

}  // namespace lm
