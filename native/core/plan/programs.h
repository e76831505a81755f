// What a segment of a plan that is not stored does before its backward: the programs that make values again.
#pragma once

#include <set>
#include <vector>

#include "core/plan/schedule.h"

namespace lm {

// What each segment needs from elsewhere before its backward, and what its program makes.
struct Demand {
  std::set<int> needs, made;
};

struct Undone {
  const Step* step;
  int first_id;  // of its inverse's operations
};

// One a segment; where steps are undone, `undone` has as many.
std::vector<Demand> build_programs(const Plan& plan, std::vector<Segment>& segments,
                                   const std::vector<Undone>& undone);

// The values that the backward of node i needs.
std::vector<int> backward_reads(const Plan& plan, int i);
// What its forward keeps is made again where its value is.
bool keeps_anew(const Node& node);

}  // namespace lm
