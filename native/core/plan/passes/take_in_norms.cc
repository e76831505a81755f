#include "core/ops/convolutions/normed.h"
#include "core/plan/passes/passes.h"
#include "core/plan/passes/rewriter.h"

namespace lm {
namespace {

// The two as one node: inputs and statistics of the norm.
Node joined(const Node& convolution, const Node& norm) {
  auto a = std::make_shared<NormConvAttributes>();
  a->convolution = convolution.as<ConvAttributes>();
  a->norm = norm.as<NormAttributes>();
  a->bias = convolution.params.size() > 1;
  a->relu = norm.op == OpKind::kBatchNormRelu;
  Node out = convolution;
  out.op = OpKind::kNormConv2d;
  out.inputs = norm.inputs;
  out.buffers = norm.buffers;
  out.params.insert(out.params.end(), norm.params.begin(), norm.params.end());
  out.attributes = std::move(a);
  return out;
}

}  // namespace

Graph take_in_norms(const Graph& graph, const std::vector<Sizes>& shapes, TakesNorm takes_norm) {
  const std::vector<int> uses = count_uses(graph);
  const auto takes = [&](const Node& node) {
    if (node.op != OpKind::kConv2d || !is_norm(input_of(graph, node))) return false;
    const auto input = static_cast<size_t>(node.inputs[0]);
    return uses[input] == 1 &&
           takes_norm(shapes[input], graph.param_shape(node, 0), node.as<ConvAttributes>().sliding());
  };
  std::vector<bool> taken_in(graph.nodes.size(), false);
  for (const Node& node : graph.nodes)
    if (takes(node)) taken_in[static_cast<size_t>(node.inputs[0])] = true;
  Rewriter rewriter(graph);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (taken_in[i]) continue;
    const Node& node = graph.nodes[i];
    const bool joins = node.op == OpKind::kConv2d && taken_in[static_cast<size_t>(node.inputs[0])];
    rewriter.alias(static_cast<int>(i),
                   rewriter.emit(rewriter.moved(joins ? joined(node, input_of(graph, node)) : node)));
  }
  return rewriter.finish();
}

}  // namespace lm
