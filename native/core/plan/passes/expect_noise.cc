#include "core/ops/mix.h"
#include "core/plan/passes/passes.h"
#include "core/plan/passes/rewriter.h"

namespace lm {
namespace {

bool is_identity(const Node& node) {
  if (node.op == OpKind::kDropout || node.op == OpKind::kGaussianNoise) return true;
  return node.op == OpKind::kMix && node.inputs.size() == 1 && expected_weight(node) == 1;
}

}  // namespace

Graph expect_noise(const Graph& graph) {
  Rewriter rewriter(graph);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    rewriter.alias(static_cast<int>(i),
                   is_identity(node) ? rewriter.place(node.inputs[0]) : rewriter.emit(rewriter.moved(node)));
  }
  return rewriter.finish();
}

}  // namespace lm
