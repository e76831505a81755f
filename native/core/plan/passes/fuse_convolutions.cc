#include <algorithm>

#include "core/ops/convolutions/fused.h"
#include "core/plan/passes/passes.h"
#include "core/plan/passes/rewriter.h"

namespace lm {
namespace {

// Every convolution takes in the norm that it reads, and the norm, the linear combination and the relu that
// alone read it.
class Fusing {
 public:
  explicit Fusing(const Graph& graph)
      : from_(graph), uses_(count_uses(graph)), left_(uses_), rewriter_(graph) {
    for (const Node& node : from_.nodes)
      if (is_fused(node) && is_norm(input_of(from_, node))) --left_[static_cast<size_t>(node.inputs[0])];
  }

  Graph run() {
    for (size_t i = 0; i < from_.nodes.size(); ++i) {
      const int id = static_cast<int>(i);
      const Node& node = from_.nodes[i];
      const int into = place_of_convolution(node);
      if (into >= 0)
        rewriter_.alias(id, into);
      else if (!is_norm(node) || left_[i] > 0)  // else convolutions alone read it, and take it in
        rewriter_.alias(id, rewriter_.emit(is_fused(node) ? convolution(node) : rewriter_.moved(node)));
    }
    return rewriter_.finish();
  }

 private:
  bool is_fused(const Node& node) const { return node.op == OpKind::kConv2d && can_fuse(from_, node); }

  Node convolution(const Node& node) const {
    auto a = std::make_shared<FusedConvAttributes>();
    a->convolution = node.as<ConvAttributes>();
    a->bias = node.params.size() > 1;
    Node out = node;
    out.op = OpKind::kFusedConv2d;
    const Node& before = input_of(from_, node);
    if (rewriter_.place(node.inputs[0]) < 0) {
      a->before = taken(before);
      a->relu_before = before.op == OpKind::kBatchNormRelu;
      take(before, out);
      out.inputs = before.inputs;
    }
    out.attributes = std::move(a);
    return rewriter_.moved(out);
  }

  static TakenNorm taken(const Node& norm) { return {norm.as<NormAttributes>().eps, !norm.params.empty()}; }

  static void take(const Node& norm, Node& into) {
    into.params.insert(into.params.end(), norm.params.begin(), norm.params.end());
    into.buffers.insert(into.buffers.end(), norm.buffers.begin(), norm.buffers.end());
  }

  // Where the value of `node` is if a convolution before it has taken it in; else -1.
  int place_of_convolution(const Node& node) {
    if (is_norm(node) || node.op == OpKind::kRelu) return take_in(node);
    return node.op == OpKind::kLin ? combine(node) : -1;
  }

  // The fused convolution that value v is, if nothing else reads that; else null.
  Node* fused(int v) {
    const int place = rewriter_.place(v);
    if (uses_[static_cast<size_t>(v)] != 1 || place < 0) return nullptr;
    Node& node = rewriter_.at(place);
    return node.op == OpKind::kFusedConv2d && !attributes(node).relu ? &node : nullptr;
  }

  static const FusedConvAttributes& attributes(const Node& node) { return node.as<FusedConvAttributes>(); }

  template <typename Change>
  static void change(Node& node, const Change& how) {
    auto a = std::make_shared<FusedConvAttributes>(attributes(node));
    how(*a);
    node.attributes = std::move(a);
  }

  int take_in(const Node& node) {
    Node* into = fused(node.inputs[0]);
    if (into == nullptr) return -1;
    if (is_norm(node)) {
      if (attributes(*into).behind || !into->coefs.empty()) return -1;
      take(node, *into);
    }
    change(*into, [&](FusedConvAttributes& a) {
      if (is_norm(node)) a.behind = taken(node);
      a.relu = node.op != OpKind::kBatchNorm;
    });
    return rewriter_.place(node.inputs[0]);
  }

  // The last term, if a convolution computes it, adds the others.
  int combine(const Node& lin) {
    if (lin.inputs.size() > kMostAdded + 1) return -1;
    const auto earlier = [&](int a, int b) { return rewriter_.place(a) < rewriter_.place(b); };
    const auto last = std::max_element(lin.inputs.begin(), lin.inputs.end(), earlier);
    Node* into = fused(*last);
    if (into == nullptr || !into->coefs.empty()) return -1;
    const auto chosen = static_cast<size_t>(last - lin.inputs.begin());
    into->coefs = {lin.coefs[chosen]};
    for (size_t i = 0; i < lin.inputs.size(); ++i) {
      if (i == chosen) continue;
      into->inputs.push_back(rewriter_.place(lin.inputs[i]));
      into->coefs.push_back(lin.coefs[i]);
    }
    return rewriter_.place(*last);
  }

  const Graph& from_;
  std::vector<int> uses_, left_;  // readers of every value; those that do not take in the norm which it is
  Rewriter rewriter_;
};

}  // namespace

Graph fuse_convolutions(const Graph& graph) {
  Graph forward = graph;
  for (Step& step : forward.steps) step.inverse.reset();  // which reads values that nothing else does
  return Fusing(forward).run();
}

}  // namespace lm
