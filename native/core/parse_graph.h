// The description of a network from JavaScript or a file -> the graph that is run.
#pragma once

#include "core/graph/graph.h"
#include "core/value.h"

namespace lm {

// Throws ERR_GRAPH where an index, an arity or an order would make running it unsafe.
Graph parse_graph(const Value& spec);

}  // namespace lm
