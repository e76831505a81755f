#include <algorithm>
#include <map>

#include "core/ops/op.h"
#include "core/plan/passes/passes.h"
#include "core/plan/passes/rewriter.h"

namespace lm {
namespace {

// Copies a graph with casts before those nodes that want another precision than their inputs have.
class Lowering {
 public:
  Lowering(const Graph& graph, Precision half, bool half_states)
      : from_(graph), half_(half), half_states_(half_states), rewriter_(graph) {}

  Graph run() {
    for (size_t i = 0; i < from_.nodes.size(); ++i) {
      Node node = from_.nodes[i];
      node.precision = wanted(node);
      for (int& v : node.inputs) v = in(node.precision, v);
      rewriter_.alias(static_cast<int>(i), rewriter_.emit(std::move(node)));
    }
    rewriter_.alias(from_.output, in(Precision::kOwn, from_.output));
    Graph out = rewriter_.finish();
    for (Step& step : out.steps) step.inverse.reset();
    return out;
  }

 private:
  const Node& placed(int v) { return rewriter_.at(rewriter_.place(v)); }

  Precision wanted(const Node& node) {
    const bool is_state = node.op == OpKind::kLin && half_states_;
    const Mixed mixed = is_state ? Mixed::kInputs : op_of(node).mixed;
    if (mixed == Mixed::kHalf) return half_;
    const bool lowered =
        mixed == Mixed::kInputs && std::all_of(node.inputs.begin(), node.inputs.end(),
                                               [&](int v) { return placed(v).of_value() == half_; });
    return lowered ? half_ : Precision::kOwn;
  }

  // Where the value of node v of the old graph is in this precision; it is cast once at most.
  int in(Precision precision, int v) {
    if (placed(v).of_value() == precision) return rewriter_.place(v);
    const auto [found, fresh] = casts_.try_emplace(v, -1);
    if (!fresh) return found->second;
    Node cast;
    cast.op = OpKind::kCast;
    cast.path = placed(v).path;
    cast.inputs = {rewriter_.place(v)};
    cast.precision = precision;
    return found->second = rewriter_.emit(std::move(cast));
  }

  const Graph& from_;
  Precision half_;
  bool half_states_;
  Rewriter rewriter_;
  std::map<int, int> casts_;  // of old nodes, in the precision that is not theirs
};

}  // namespace

Graph lower_precision(const Graph& graph, Precision half, bool half_states) {
  return Lowering(graph, half, half_states).run();
}

}  // namespace lm
