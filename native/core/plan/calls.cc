#include "core/plan/calls.h"

#include <algorithm>

#include "core/ops/op.h"
#include "core/plan/arrange.h"

namespace lm {
namespace {

using Type = PlannedTensor::Type;

class Walk {
 public:
  Walk(Plan& plan, const Schedule& schedule, const PlanTarget& target)
      : plan_(plan),
        schedule_(schedule),
        target_(target),
        values_(plan.slots(), -1),
        grads_(plan.graph.nodes.size(), -1),
        kept_(plan.graph.nodes.size()) {}

  void run() {
    forward();
    plan_.values.assign(values_.begin(), values_.begin() + static_cast<int64_t>(plan_.graph.nodes.size()));
    plan_.output = values_[static_cast<size_t>(plan_.graph.output)];
    ++now_;
    if (plan_.options.backward) backward();
    for (Piece& piece : pieces_)
      if (piece.to < 0) piece.to = now_;
    plan_.bytes = arrange(pieces_);
    for (size_t t = 0; t < plan_.tensors.size(); ++t) plan_.tensors[t].offset = pieces_[piece_of_[t]].offset;
  }

 private:
  // --- pieces of memory, and the values, gradients and kept tensors that hold them

  int64_t bytes_of(Type type) const {
    return type == Type::kOwn ? target_.bytes_of_own : type == Type::kHalf ? 2 : 8;
  }

  int open(const Sizes& shape, Type type) {
    pieces_.push_back({numel(shape) * bytes_of(type), now_, -1, 0});
    holders_.push_back(0);
    return add_tensor({.shape = shape, .type = type}, pieces_.size() - 1);
  }

  int add_tensor(PlannedTensor tensor, size_t piece) {
    plan_.tensors.push_back(std::move(tensor));
    piece_of_.push_back(piece);
    return static_cast<int>(plan_.tensors.size()) - 1;
  }

  int& holders(int tensor) { return holders_[piece_of_[static_cast<size_t>(tensor)]]; }

  int hold(int tensor) {
    ++holders(tensor);
    return tensor;
  }

  void release(int& tensor) {
    if (tensor >= 0 && --holders(tensor) == 0) pieces_[piece_of_[static_cast<size_t>(tensor)]].to = now_;
    tensor = -1;
  }

  void release_all(const std::vector<int>& values) {
    for (int v : values) release(values_[static_cast<size_t>(v)]);
  }

  // A value gets another place: the old one is dropped.
  void place(int v, int tensor) {
    hold(tensor);
    release(values_[static_cast<size_t>(v)]);
    values_[static_cast<size_t>(v)] = tensor;
  }

  Type type_of(const Node& node) const {
    return node.of_value() == Precision::kOwn ? Type::kOwn : Type::kHalf;
  }

  int open_value(int id) { return open(plan_.shapes[static_cast<size_t>(id)], type_of(plan_.node(id))); }

  std::vector<int> values_of(const std::vector<int>& ids) const {
    std::vector<int> out;
    for (int v : ids) out.push_back(values_[static_cast<size_t>(v)]);
    return out;
  }

  // --- forward

  void forward() {
    plan_.input = open_value(0);
    place(0, plan_.input);
    release_all(schedule_.free_after[0]);
    for (size_t i = 1; i < plan_.graph.nodes.size(); ++i) {
      ++now_;
      const int id = static_cast<int>(i);
      Call call{.kind = Call::Kind::kForward, .node = id};
      call.inputs = values_of(plan_.node(id).inputs);
      call.output = schedule_.overwrites[i] ? call.inputs[0] : result_place(call);
      keep(id);
      call.kept = kept_[i];
      place(id, call.output);
      if (!plan_.options.backward || schedule_.drops_kept[i]) drop_kept(i);
      release_all(schedule_.free_after[i]);
      plan_.forward.push_back(std::move(call));
    }
  }

  int result_place(const Call& call) {
    const Node& node = plan_.node(call.node);
    if (op_of(node).view == nullptr) return open_value(call.node);
    const int whole = call.inputs[0];
    return add_tensor({.shape = plan_.shapes[static_cast<size_t>(call.node)],
                       .type = type_of(node),
                       .view_of = whole,
                       .view_node = call.node},
                      piece_of_[static_cast<size_t>(whole)]);
  }

  // Opens what forward keeps.
  void keep(int id) {
    const Node& node = plan_.node(id);
    const Op& op = op_of(node);
    if (op.keeps == nullptr) return;
    const Sizes& input = plan_.shapes[static_cast<size_t>(node.inputs[0])];
    for (const KeptTensor& t : op.keeps(node, input, plan_.shapes[static_cast<size_t>(id)])) {
      const Type type = t.type == KeptTensor::Type::kIndex ? Type::kIndex
                        : t.type == KeptTensor::Type::kOwn ? Type::kOwn
                                                           : type_of(node);
      kept_[static_cast<size_t>(id)].push_back(hold(open(t.shape, type)));
    }
  }

  void drop_kept(size_t i) {
    for (int& tensor : kept_[i]) release(tensor);
    kept_[i].clear();
  }

  // --- backward

  void backward() {
    plan_.output_gradient = open_value(plan_.graph.output);
    grads_[static_cast<size_t>(plan_.graph.output)] = hold(plan_.output_gradient);
    for (size_t s = schedule_.segments.size(); s-- > 0;) {
      const Segment& segment = schedule_.segments[s];
      for (const Action& action : segment.program) run_again(action);
      for (int i = segment.end; i-- > std::max(1, segment.begin);) {
        for (int v : schedule_.again_before_backward[static_cast<size_t>(i)]) run_again({v, -1, {}});
        differentiate(i);
      }
    }
    plan_.input_gradient = grads_[0];
  }

  void run_again(const Action& action) {
    ++now_;
    const auto i = static_cast<size_t>(action.node);
    Call call{.kind = Call::Kind::kAgain, .node = action.node, .target = action.target};
    call.inputs = values_of(plan_.node(action.node).inputs);
    call.output = result_place(call);
    if (i < kept_.size()) {
      if (kept_[i].empty()) keep(action.node);
      call.kept = kept_[i];
    }
    place(action.node, call.output);
    if (action.target >= 0) place(action.target, call.output);
    release_all(action.free_after);
    plan_.backward.push_back(std::move(call));
  }

  void differentiate(int id) {
    ++now_;
    const auto i = static_cast<size_t>(id);
    if (grads_[i] >= 0 && plan_.needs_grad[i]) {
      Call call{.kind = Call::Kind::kBackward, .node = id};
      call.inputs = values_of(plan_.node(id).inputs);
      call.output = values_[i];
      call.kept = kept_[i];
      call.grad = grads_[i];
      for (size_t j = 0; j < plan_.node(id).inputs.size(); ++j)
        if (plan_.needs_grad[static_cast<size_t>(plan_.node(id).inputs[j])])
          call.gradients.push_back(contribute(id, j));
      if (op_of(plan_.node(id)).inner_gradient) call.inner_grad = open_inner(call);
      plan_.backward.push_back(std::move(call));
    }
    release(grads_[i]);
    drop_kept(i);
    release_all(schedule_.free_after_backward[i]);
  }

  // Where an op reads a value twice, one part must be whole before the other is added.
  bool adds(const Node& node, int input) const {
    const bool can = type_of(plan_.node(input)) == Type::kOwn ? target_.adds : target_.half_adds;
    return can && op_of(node).adds && std::count(node.inputs.begin(), node.inputs.end(), input) == 1;
  }

  // A place for it: that of the gradient of the first input where this is written once, and in its type.
  int open_inner(const Call& call) {
    const Node& node = plan_.node(call.node);
    const Type type = node.precision == Precision::kOwn ? Type::kOwn : Type::kHalf;
    if (!call.gradients.empty() && !call.gradients[0].adds) {
      const Contribution& c = call.gradients[0];
      const int to = c.scratch < 0 ? c.to : c.scratch;
      if (plan_.tensors[static_cast<size_t>(to)].type == type) return to;
    }
    const int inner = open(plan_.shapes[static_cast<size_t>(node.inputs[0])], type);
    int held = hold(inner);
    release(held);
    return inner;
  }

  // The part of node `id` in the gradient of its input j. A gradient that passes shares its memory until
  // somebody adds to it while another still reads it.
  Contribution contribute(int id, size_t j) {
    const Node& node = plan_.node(id);
    const Op& op = op_of(node);
    const int input = node.inputs[j];
    const int own = grads_[static_cast<size_t>(id)];
    int& sum = grads_[static_cast<size_t>(input)];
    Contribution c{
        .input = j, .passes = op.passes != nullptr && op.passes(node, plan_.graph, j), .from = sum};
    const bool over_own = op.in_place_backward && holders(own) == 1;
    if (sum < 0) {
      c.to = c.passes || over_own ? own : open_value(input);
      sum = hold(c.to);
      return c;
    }
    c.adds = !c.passes && adds(node, input);
    if (!c.passes && !c.adds) c.scratch = over_own ? own : open_value(input);
    if (holders(sum) > 1) {
      release(sum);
      sum = hold(open_value(input));
    }
    c.to = sum;
    if (c.scratch >= 0 && !over_own) {
      int scratch = hold(c.scratch);
      release(scratch);
    }
    return c;
  }

  Plan& plan_;
  const Schedule& schedule_;
  const PlanTarget& target_;
  int now_ = 0;
  std::vector<Piece> pieces_;
  std::vector<int> holders_;      // by piece
  std::vector<size_t> piece_of_;  // by tensor
  std::vector<int> values_, grads_;
  std::vector<std::vector<int>> kept_;
};

}  // namespace

void plan_calls(Plan& plan, const Schedule& schedule, const PlanTarget& target) {
  Walk(plan, schedule, target).run();
}

}  // namespace lm
