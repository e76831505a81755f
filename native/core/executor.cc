#include "core/executor.h"

#include <ATen/core/grad_mode.h>
#include <c10/util/Exception.h>

#include "core/ops.h"

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

Run::Run(const Plan& plan, const Weights& weights, std::vector<at::Tensor>& buffers)
    : plan_(plan),
      weights_(weights),
      buffers_(buffers),
      coefficients_(plan.graph, weights),
      slots_(plan.graph.nodes.size()) {}

at::Tensor Run::forward(const at::Tensor& input) {
  slots_[0].value = input;
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Node& node = plan_.graph.nodes[i];
    if (i > 0) {
      Frame frame(*this, static_cast<int>(i));
      at_node(node, [&] { slots_[i].value = node.op->forward(frame); });
    }
    if (watching_) look(slots_[i].value, node);
    for (int dead : plan_.free_after[i]) slots_[static_cast<size_t>(dead)].value.reset();
  }
  return slots_[static_cast<size_t>(plan_.graph.output)].value;
}

void Run::backward(const at::Tensor& grad, Weights& grads) {
  grads_ = &grads;
  slots_[static_cast<size_t>(plan_.graph.output)].grad = grad;
  for (size_t i = slots_.size(); i-- > 1;) {
    Slot& slot = slots_[i];
    const Node& node = plan_.graph.nodes[i];
    if (slot.grad.defined() && plan_.needs_grad[i]) {
      Frame frame(*this, static_cast<int>(i));
      if (watching_) look(slot.grad, node);
      at_node(node, [&] { node.op->backward(frame, slot.grad); });
    }
    slot.grad.reset();
    slot.saved.clear();
    for (int dead : plan_.free_after_backward[i]) slots_[static_cast<size_t>(dead)].value.reset();
  }
  coefficients_.backward(grads);
}

void Run::look(const at::Tensor& tensor, const Node& node) {
  if (not_finite_.empty() && !at::isfinite(tensor).all().item<bool>()) not_finite_ = node.path;
}

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
