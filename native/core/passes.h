// Rewrites of a graph that keep its meaning. Each takes a graph and returns one; parameters, buffers and
// paths stay.
#pragma once

#include "core/graph.h"

namespace lm {

// batchNormStats + batchNormApply (+ relu) -> one node, where nothing else reads what is in between.
Graph fuse_norms(const Graph& graph);

}  // namespace lm
