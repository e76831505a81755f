#include "core/run/run.h"

#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>

#include <algorithm>

#include "core/ops/rows.h"

namespace lm {
namespace {

// Runs one op; an error of libtorch's comes out as ours, with the layer's path and without the backtrace.
template <typename Work>
void at_node(const Node& node, const Work& work) {
  try {
    work();
  } catch (const c10::OutOfMemoryError& e) {
    fail("ERR_MEMORY", node.path, ": ", e.what_without_backtrace());
  } catch (const c10::Error& e) {
    const std::string message = e.what_without_backtrace();
    const bool memory = message.find("allocate memory") != std::string::npos;
    fail(memory ? "ERR_MEMORY" : "ERR_TORCH", node.path, " (", node.op->name, "): ", message);
  }
}

}  // namespace

Run::Run(const Plan& plan, const Weights& weights, std::vector<at::Tensor>& buffers, DrawKey key)
    : plan_(plan),
      weights_(weights),
      buffers_(buffers),
      coefficients_(plan.graph, weights),
      slots_(plan.slots()),
      key_(key),
      needed_(plan.graph.nodes.size(), true),
      absent_(plan.slots(), false) {
  key_.columns = plan.drop_columns;
  if (plan.precision != Precision::kOwn) half_ = weights.copy(type_of(plan.precision));
}

at::ScalarType Run::type_of(Precision precision) const {
  if (precision == Precision::kOwn) return weights_.flat.scalar_type();
  return precision == Precision::kBfloat16 ? at::kBFloat16 : at::kHalf;
}

void Run::draw(const at::TensorOptions& options) {
  for (size_t i = 0; i < plan_.graph.nodes.size(); ++i) {
    const Node& node = plan_.graph.nodes[i];
    if (node.op->forward == mix_forward)
      mixes_.emplace(i, draw_mix(node, plan_.shapes[i], plan_.training, key_, options));
  }
  if (!mixes_.empty()) mark_needed();
}

// From the output down: what only a dropped branch reads is not computed.
void Run::mark_needed() {
  std::fill(needed_.begin(), needed_.end(), false);
  needed_[static_cast<size_t>(plan_.graph.output)] = true;
  for (size_t i = needed_.size(); i-- > 0;) {
    if (!needed_[i]) continue;
    const Node& node = plan_.graph.nodes[i];
    const auto mixed = mixes_.find(i);
    for (size_t j = 0; j < node.inputs.size(); ++j)
      if (mixed == mixes_.end() || !mixed->second.drops(j))
        needed_[static_cast<size_t>(node.inputs[j])] = true;
  }
}

void Run::run_node(int id) {
  const auto i = static_cast<size_t>(id);
  if (i < needed_.size() && !needed_[i]) return;
  Frame frame(*this, id);
  at_node(frame.node, [&] { slots_[i].value = frame.node.op->forward(frame); });
  absent_[i] = !slots_[i].value.defined();
  if (watching_ && !absent_[i]) look(slots_[i].value, frame.node);
}

at::Tensor Run::forward(const at::Tensor& input) {
  draw(input.options());
  slots_[0].value = input;
  for (size_t i = 0; i < plan_.graph.nodes.size(); ++i) {
    if (i > 0) run_node(static_cast<int>(i));
    if (plan_.drops_saved[i]) slots_[i].saved.clear();
    for (int dead : plan_.free_after[i]) slots_[static_cast<size_t>(dead)].value.reset();
  }
  return present(static_cast<size_t>(plan_.graph.output));
}

void Run::run_program(const Segment& segment) {
  recomputing_ = true;
  for (const Action& action : segment.program) {
    run_node(action.node);
    at::Tensor& value = slots_[static_cast<size_t>(action.node)].value;
    if (action.target >= 0) slots_[static_cast<size_t>(action.target)].value = value;
    for (int dead : action.free_after) slots_[static_cast<size_t>(dead)].value.reset();
  }
  recomputing_ = false;
}

void Run::backward(const at::Tensor& grad, Weights& grads) {
  grads_ = &grads;
  slots_[static_cast<size_t>(plan_.graph.output)].grad = grad;
  for (size_t s = plan_.segments.size(); s-- > 0;) {
    const Segment& segment = plan_.segments[s];
    run_program(segment);
    for (auto i = static_cast<size_t>(segment.end); i-- > static_cast<size_t>(std::max(1, segment.begin));) {
      Slot& slot = slots_[i];
      if (slot.grad.defined() && plan_.needs_grad[i]) {
        Frame frame(*this, static_cast<int>(i));
        if (watching_) look(slot.grad, frame.node);
        at_node(frame.node, [&] { frame.node.op->backward(frame, slot.grad); });
      }
      slot.grad.reset();
      slot.saved.clear();
      for (int dead : plan_.free_after_backward[i]) slots_[static_cast<size_t>(dead)].value.reset();
    }
  }
  coefficients_.backward(grads);
}

void Run::look(const at::Tensor& tensor, const Node& node) {
  if (not_finite_.empty() && !at::isfinite(tensor).all().item<bool>()) not_finite_ = node.path;
}

// What is absent is zero for whoever cannot leave it out. Mixtures alone are, and they are never lowered.
const at::Tensor& Run::present(size_t id) {
  at::Tensor& value = slots_[id].value;
  if (value.defined()) return value;
  const Sizes& shape = plan_.shapes[id];
  value = at::zeros(shape, weights_.flat.options());
  if (shape.size() == 4) value = value.contiguous(at::MemoryFormat::ChannelsLast);
  return value;
}

const at::Tensor& Frame::input(size_t i) const { return run_.present(static_cast<size_t>(node.inputs[i])); }

void Frame::add_grad(size_t i, at::Tensor grad, bool owned) const {
  Run::Slot& slot = run_.slots_[static_cast<size_t>(node.inputs[i])];
  if (!slot.grad.defined()) {
    slot.grad = std::move(grad);
    slot.grad_owned = owned;
  } else if (slot.grad_owned) {
    slot.grad.add_(grad);
  } else if (owned) {
    slot.grad = grad.add_(slot.grad);
    slot.grad_owned = true;
  } else {
    slot.grad = slot.grad.add(grad);
    slot.grad_owned = true;
  }
}

void Frame::add_param_grad(size_t i, const at::Tensor& grad) const {
  run_.grads_->views[static_cast<size_t>(node.params[i])].add_(grad);
}

}  // namespace lm
