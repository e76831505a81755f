// Rewrites of a graph that keep its meaning: pure functions graph -> graph. Parameters, buffers and paths
// stay.
#pragma once

#include "core/graph/graph.h"
#include "core/ops/layers.h"

namespace lm {

// Evaluation: dropout and noise are left out, and mixtures of one branch that count it whole.
Graph expect_noise(const Graph& graph);

// batchNormStats + batchNormApply (+ relu) -> one node, where nothing else reads what is in between.
Graph fuse_norms(const Graph& graph);

// Training: convolutions take in the norm (+ relu) that they alone read, through a cast or not, where
// `takes_norm` says so of the sizes of its input and of their weights; and the cast that alone reads them.
// For a graph whose precision is lowered already, if it is to be.
Graph take_in_norms(const Graph& graph, const std::vector<Sizes>& shapes, TakesNorm takes_norm);

// Evaluation: convolutions take in their neighbours, batchNorm (+ relu) before them, and what alone reads
// them: batchNorm, lin, relu.
Graph fuse_convolutions(const Graph& graph);

// Casts around convolutions and linear layers, which then run in a half type, and with them what lies between
// them where it can; states, unless they are to be of the half type too, draws, statistics and the output
// stay in the model's own type. Inverses of steps are dropped: what a rounded f did cannot be undone.
Graph lower_precision(const Graph& graph, Precision half, bool half_states);

}  // namespace lm
