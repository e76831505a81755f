// The backward pass of a session: every op gives its inputs their parts of the gradient, which are summed
// where the plan says.

#include <algorithm>

#include "core/ops/op.h"
#include "core/run/session.h"

namespace lm {
namespace {

size_t at_id(int id) { return static_cast<size_t>(id); }

}  // namespace

// Whether the op gives its input a gradient: not to a dropped branch.
bool Session::contributes(const Call& call, size_t input) const {
  const Node& node = plan_.node(call.node);
  if (node.op == OpKind::kMix && mixes_[at_id(call.node)].drops(input)) return false;
  return !(op_of(node).leaves_out_absent && absent_[at_id(node.inputs[input])]);
}

// The sum stays where it is expected although this part of it is missing.
void Session::move(const Contribution& c, int slot) {
  if (has_grad_[at_id(slot)] && c.from >= 0 && c.from != c.to) tensor(c.to).copy_(tensor(c.from));
}

void Session::add(const Contribution& c, int slot, const Call& call) {
  char& has = has_grad_[at_id(slot)];
  if (has && !c.adds) {
    const at::Tensor& part = tensor(c.passes ? call.grad : c.scratch);
    at::Tensor to = tensor(c.to);
    if (c.to == c.from)
      to.add_(part);
    else
      at::add_out(to, tensor(c.from), part);
  } else if (!has && c.passes && c.to != call.grad) {
    tensor(c.to).copy_(tensor(call.grad));
  }
  has = 1;
}

void Session::differentiate(const Call& call, Frame& frame, const Observer& seen) {
  const std::vector<int>& inputs = frame.node.inputs;
  if (!has_grad_[at_id(call.node)]) {
    for (const Contribution& c : call.gradients) move(c, inputs[c.input]);
    if (seen) seen({Piece::Kind::kBackward, &call});
    return;
  }
  fill_absent(frame, call);
  if (watching_) look(*frame.grad_, frame.node);
  std::fill(frame.grads_.begin(), frame.grads_.end(), nullptr);
  for (size_t k = 0; k < call.gradients.size(); ++k) {
    const Contribution& c = call.gradients[k];
    if (c.passes || !contributes(call, c.input)) continue;
    // An earlier part of this very op may come before it.
    bool later = has_grad_[at_id(inputs[c.input])];
    for (size_t e = 0; e < k; ++e)
      later |=
          inputs[call.gradients[e].input] == inputs[c.input] && contributes(call, call.gradients[e].input);
    frame.grads_[c.input] = &tensor(later && !c.adds ? c.scratch : c.to);
    frame.befores_[c.input] = later && c.adds ? &tensor(c.from) : nullptr;
  }
  for (size_t i = 0; i < frame.node.params.size(); ++i)
    frame.param_grads_[i] = &grads_->views[at_id(frame.node.params[i])];
  guard(frame.node, [&] {
    op_of(frame.node).backward(frame);
    if (seen) seen({Piece::Kind::kBackward, &call});
    for (const Contribution& c : call.gradients)
      contributes(call, c.input) ? add(c, inputs[c.input], call) : move(c, inputs[c.input]);
  });
}

void Session::backward(Weights& grads, GradientWatcher* watcher, const Observer& seen) {
  grads_ = &grads;
  has_grad_[at_id(plan_.graph.output)] = 1;
  for (size_t i = 0; i < plan_.backward.size(); ++i) {
    const Call& call = plan_.backward[i];
    if (call.kind == Call::Kind::kAgain) {
      run(call, backward_[i]);
      if (seen) seen({Piece::Kind::kBackward, &call});
      continue;
    }
    differentiate(call, backward_[i], seen);
    if (seen) seen({Piece::Kind::kSum, &call});
    if (watcher != nullptr)
      for (int param : backward_[i].node.params) watcher->gave(param);
  }
  if (watcher != nullptr) watcher->before_coefficients();
  coefficients_->backward(grads);
  if (seen) seen({Piece::Kind::kCoefficients});
}

at::Tensor Session::input_gradient() const {
  return plan_.input_gradient >= 0 && has_grad_[0] ? tensor(plan_.input_gradient) : at::Tensor();
}

}  // namespace lm
