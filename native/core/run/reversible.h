// Whether the steps of a network can be undone in the precision of its weights.
#pragma once

#include "core/graph/graph.h"
#include "core/weights.h"

namespace lm {

// Throws ERR_CONFIG, naming the step, when undoing the reversible steps of a stage would multiply rounding
// errors until nothing is left of three digits: a two-step scheme divides by k at every step.
void check_reversible(const Graph& graph, const Weights& weights);

}  // namespace lm
