#include "core/plan/programs.h"

#include <algorithm>

#include "core/ops/op.h"

namespace lm {

std::vector<int> backward_reads(const Plan& plan, int i) {
  const Node& node = plan.graph.nodes[static_cast<size_t>(i)];
  std::vector<int> reads;
  if (!plan.needs_grad[static_cast<size_t>(i)]) return reads;
  const Op& op = op_of(node);
  for (size_t j = 0; op.keeps_inputs && j < node.inputs.size(); ++j) {
    // A constant coefficient has no gradient, so its term is not read.
    const bool constant = !node.coefs.empty() && !plan.graph.is_learned(node.coefs[j]);
    if (!constant) reads.push_back(node.inputs[j]);
  }
  if (op.keeps_output) reads.push_back(i);
  return reads;
}

bool keeps_anew(const Node& node) {
  const Op& op = op_of(node);
  return op.keeps != nullptr && op.kept == Kept::kAnew;
}

namespace {

// Builds one segment's program, and finds which values from outside it needs.
class ProgramBuilder {
 public:
  ProgramBuilder(const Plan& plan, Segment& segment) : plan_(plan), segment_(segment) {}

  // Makes all that the backward of the segment's nodes reads.
  void recompute() {
    for (int i = segment_.begin; i < segment_.end; ++i) {
      for (int v : backward_reads(plan_, i)) require(v);
      if (keeps_anew(plan_.graph.nodes[static_cast<size_t>(i)]) && plan_.needs_grad[static_cast<size_t>(i)])
        require(i);
    }
  }

  // Makes the states before a step from those after it, with the evaluations of f on the way.
  void undo(const Step& step, int first_id) {
    for (int v : step.after) {
      known_.insert(v);
      needs_.insert(v);
    }
    const Inverse& inverse = *step.inverse;
    for (size_t j = 0; j < inverse.nodes.size(); ++j) {
      const int id = first_id + static_cast<int>(j);
      for (int v : plan_.node(id).inputs) require(v);
      const auto found = std::find(inverse.before.begin(), inverse.before.end(), -1 - static_cast<int>(j));
      const auto place = static_cast<size_t>(found - inverse.before.begin());
      const int target = found == inverse.before.end() ? -1 : step.before[place];
      segment_.program.push_back({id, target, {}});
      known_.insert(id);
      if (target >= 0) make(target);
    }
  }

  const std::set<int>& needs() const { return needs_; }
  const std::set<int>& made() const { return made_; }

 private:
  void require(int v) {
    if (known_.count(v) > 0) return;
    if (v < segment_.begin || v >= segment_.end) {
      needs_.insert(v);
      known_.insert(v);
      return;
    }
    for (int input : plan_.graph.nodes[static_cast<size_t>(v)].inputs) require(input);
    segment_.program.push_back({v, -1, {}});
    make(v);
  }

  void make(int v) {
    known_.insert(v);
    made_.insert(v);
  }

  const Plan& plan_;
  Segment& segment_;
  std::set<int> known_, needs_, made_;
};

}  // namespace

std::vector<Demand> build_programs(const Plan& plan, std::vector<Segment>& segments,
                                   const std::vector<Undone>& undone) {
  std::vector<Demand> demands;
  for (size_t s = 0; s < segments.size(); ++s) {
    Segment& segment = segments[s];
    if (segment.stored) {
      demands.emplace_back();
      continue;
    }
    ProgramBuilder builder(plan, segment);
    if (!undone.empty() && undone[s].step != nullptr) builder.undo(*undone[s].step, undone[s].first_id);
    builder.recompute();
    demands.push_back({builder.needs(), builder.made()});
  }
  return demands;
}

}  // namespace lm
