#include <set>

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

// What is taken in, and by whom.
class TakingIn {
 public:
  TakingIn(const Graph& graph, const std::vector<Sizes>& shapes, TakesNorm takes_norm)
      : graph_(graph), uses_(count_uses(graph)), gone_(graph.nodes.size(), false) {
    for (const Node& node : graph.nodes) {
      if (node.op != OpKind::kConv2d) continue;
      const auto input = static_cast<size_t>(node.inputs[0]);
      if (!takes_norm(shapes[input], graph.param_shape(node, 0), node.as<ConvAttributes>().sliding()))
        continue;
      const int norm = norm_before(node);
      if (norm < 0) continue;
      gone_[input] = gone_[static_cast<size_t>(norm)] = true;
    }
    for (const Node& node : graph.nodes) {
      if (node.op != OpKind::kCast || node.precision != Precision::kOwn) continue;
      const auto input = static_cast<size_t>(node.inputs[0]);
      const Node& behind = graph.nodes[input];
      if (behind.op != OpKind::kConv2d || uses_[input] > 1) continue;
      const Sizes& x = shapes[static_cast<size_t>(behind.inputs[0])];
      if (takes_norm(x, graph.param_shape(behind, 0), behind.as<ConvAttributes>().sliding()))
        wide_.insert(static_cast<int>(input));
    }
  }

  Graph run() const {
    Rewriter rewriter(graph_);
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const int v = static_cast<int>(i);
      if (gone_[i]) continue;
      const Node& node = graph_.nodes[i];
      if (node.op == OpKind::kCast && wide_.count(node.inputs[0]) > 0) {
        rewriter.alias(v, rewriter.place(node.inputs[0]));
        continue;
      }
      const bool joins = node.op == OpKind::kConv2d && gone_[static_cast<size_t>(node.inputs[0])];
      Node out = joins ? joined(node, graph_.nodes[static_cast<size_t>(norm_before(node))]) : node;
      out.wide = wide_.count(v) > 0;
      rewriter.alias(v, rewriter.emit(rewriter.moved(out)));
    }
    return rewriter.finish();
  }

 private:
  bool is_read_once(int v) const { return uses_[static_cast<size_t>(v)] == 1; }

  // The norm that a convolution alone reads, through a cast or not; -1 where there is none.
  int norm_before(const Node& convolution) const {
    int v = convolution.inputs[0];
    if (!is_read_once(v)) return -1;
    const Node& input = graph_.nodes[static_cast<size_t>(v)];
    if (input.op == OpKind::kCast) v = input.inputs[0];
    return is_norm(graph_.nodes[static_cast<size_t>(v)]) && is_read_once(v) ? v : -1;
  }

  const Graph& graph_;
  std::vector<int> uses_;
  std::vector<bool> gone_;
  std::set<int> wide_;  // convolutions whose value is cast at once
};

}  // namespace

Graph take_in_norms(const Graph& graph, const std::vector<Sizes>& shapes, TakesNorm takes_norm) {
  return TakingIn(graph, shapes, takes_norm).run();
}

}  // namespace lm
