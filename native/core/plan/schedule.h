// When every value is made, made again and dropped: what the strategies of memory come to, before places are
// given out (plan/calls.h).
#pragma once

#include <vector>

#include "core/plan/plan.h"

namespace lm {

// Runs a node again. The value then stands for node `target` too.
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

struct Schedule {
  std::vector<Segment> segments;                        // ascending, without gaps
  std::vector<bool> overwrites;                         // by node: may be written over its first input
  std::vector<bool> drops_kept;                         // by node: what its forward keeps is made again
  std::vector<std::vector<int>> free_after;             // by node: values dropped after its forward
  std::vector<std::vector<int>> again_before_backward;  // by node: values that its backward reads first
  std::vector<std::vector<int>> free_after_backward;
};

// Fills in plan.inverse_nodes too.
Schedule make_schedule(Plan& plan);

}  // namespace lm
