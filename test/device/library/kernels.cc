// Every operator that libtorch has for CPUs, on the test device: the host finds out what shape its results
// have, and the worker runs it on views that are tensors of the host.

#include "kernels.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <map>

#include "counters.h"
#include "streams.h"

namespace lm::device {

at::Tensor Views::of(const at::Tensor& t) {
  if (!t.defined()) return t;
  size_t bytes = t.numel() == 0 ? 0 : t.element_size();
  for (int64_t d = 0; d < t.dim() && bytes > 0; ++d)
    bytes += static_cast<size_t>((t.size(d) - 1) * t.stride(d)) * t.element_size();
  pieces_.push_back(find_piece(t.data_ptr(), bytes));
  void* const data = bytes == 0 ? nullptr : for_kernels(t.data_ptr());
  return at::from_blob(data, t.sizes(), t.strides(), t.options().device(at::kCPU));
}

at::Tensor Views::host_number(const at::Tensor& t, const std::string& what) {
  TORCH_CHECK(t.dim() == 0, what, ": expected all tensors on the device but found one ", t.sizes(), " on ",
              t.device());
  at::Tensor copy = t.clone();
  copy.unsafeGetTensorImpl()->set_wrapped_number(t.unsafeGetTensorImpl()->is_wrapped_number());
  return copy;
}

void Views::check(const std::string& what) const {
  for (const Piece& piece : pieces_)
    if (const char* trouble = trouble_with(piece)) TORCH_CHECK(false, what, ": ", trouble);
}

void launch(const std::string& what, Views views, std::function<void()> work) {
  check_alive();
  if (!is_recording()) ++counters().kernels;
  enqueue(current_stream(), what, [what, views = std::move(views), work = std::move(work)] {
    views.check(what);
    work();
  });
}

namespace {

using c10::IValue;
using torch::jit::Stack;

// A value with every tensor in it changed.
IValue map_tensors(const IValue& value, const std::function<at::Tensor(const at::Tensor&)>& change) {
  if (value.isTensor()) return change(value.toTensor());
  if (value.isTensorList()) {
    c10::List<at::Tensor> list;
    for (const at::Tensor& t : value.toTensorVector()) list.push_back(change(t));
    return list;
  }
  if (value.isOptionalTensorList()) {
    c10::List<std::optional<at::Tensor>> list;
    for (const std::optional<at::Tensor>& t : value.toOptionalTensorVector())
      list.push_back(t ? std::optional(change(*t)) : std::nullopt);
    return list;
  }
  return value;
}

Stack map_tensors(const Stack& stack, const std::function<at::Tensor(const at::Tensor&)>& change) {
  Stack mapped;
  for (const IValue& value : stack) mapped.push_back(map_tensors(value, change));
  return mapped;
}

bool writes(const c10::Argument& argument) {
  return argument.alias_info() != nullptr && argument.alias_info()->isWrite();
}

bool has_shape_rule(const c10::OperatorHandle& op) {
  using Key = c10::DispatchKey;
  for (const Key key : {Key::Meta, Key::CompositeExplicitAutograd,
                        Key::CompositeExplicitAutogradNonFunctional, Key::CompositeImplicitAutograd})
    if (op.hasKernelForDispatchKey(key)) return true;
  return false;
}

// What the operator gives for tensors of these shapes, by its rule for shapes, else by running it on zeros.
Stack shapes_of_results(const c10::OperatorHandle& op, const Stack& arguments) {
  const bool has_rule = has_shape_rule(op);
  const auto stand_in = [&](const at::Tensor& t) {
    if (!t.defined() || !is_on_device(t)) return t;
    const auto options = t.options().device(has_rule ? at::kMeta : at::kCPU);
    at::Tensor like = at::empty_strided(t.sizes(), t.strides(), options);
    return has_rule ? like : like.zero_();
  };
  Stack stack = map_tensors(arguments, stand_in);
  op.callBoxed(stack);
  return stack;
}

at::Tensor device_like(const at::Tensor& shape) {
  if (!shape.defined()) return shape;
  return at::empty_strided(shape.sizes(), shape.strides(), shape.options().device(at::kPrivateUse1));
}

// What libtorch hands over empty, to be given its size by the operator.
void size_outputs(const c10::OperatorHandle& op, const Stack& arguments) {
  const auto& formal = op.schema().arguments();
  const auto is_unsized = [&](size_t i) {
    return writes(formal[i]) && formal[i].is_out() && arguments[i].isTensor() &&
           arguments[i].toTensor().numel() == 0;
  };
  std::vector<size_t> unsized;
  for (size_t i = 0; i < arguments.size(); ++i)
    if (is_unsized(i)) unsized.push_back(i);
  if (unsized.empty()) return;
  const Stack shapes = shapes_of_results(op, arguments);
  for (size_t i = 0; i < unsized.size(); ++i) {
    const at::Tensor made = device_like(shapes[i].toTensor());
    c10::TensorImpl* const into = arguments[unsized[i]].toTensor().unsafeGetTensorImpl();
    into->set_storage_keep_dtype(made.storage());
    into->set_sizes_and_strides(made.sizes(), made.strides());
  }
}

// Results of the operator: arguments that it writes to, or new tensors. `fresh`: which of them are new.
Stack results_of(const c10::OperatorHandle& op, const Stack& arguments, std::vector<size_t>& fresh) {
  const auto& schema = op.schema();
  const auto& returns = schema.returns();
  Stack results;
  std::optional<Stack> shapes;
  for (size_t r = 0; r < returns.size(); ++r) {
    if (returns[r].alias_info() != nullptr) {
      TORCH_CHECK(writes(returns[r]), "the test device has no view ", schema.name());
      for (size_t a = 0; a < arguments.size(); ++a)
        if (writes(schema.arguments()[a]) && *schema.arguments()[a].alias_info() == *returns[r].alias_info())
          results.push_back(arguments[a]);
      continue;
    }
    if (!shapes) shapes = shapes_of_results(op, arguments);
    const IValue& shape = (*shapes)[r];
    TORCH_CHECK(shape.isTensor() || shape.isTensorList(), "the test device cannot give the host a result of ",
                schema.name());
    results.push_back(map_tensors(shape, device_like));
    fresh.push_back(r);
  }
  return results;
}

void copy_results(const Stack& from, const Stack& to, const std::vector<size_t>& fresh) {
  for (const size_t r : fresh) {
    const IValue &value = from[r], &place = to[r];
    if (place.isTensorList()) {
      const auto source = value.toTensorVector(), into = place.toTensorVector();
      for (size_t i = 0; i < into.size(); ++i) into[i].copy_(source[i]);
    } else if (place.toTensor().defined()) {
      place.toTensor().copy_(value.toTensor());
    }
  }
}

void run_any(const c10::OperatorHandle& op, Stack* stack) {
  const auto& schema = op.schema();
  const std::string what = schema.name();
  const Stack arguments = torch::jit::pop(*stack, schema.arguments().size());
  size_outputs(op, arguments);
  std::vector<size_t> fresh;
  Stack results = results_of(op, arguments, fresh);
  Views views;
  const auto view = [&](const at::Tensor& t) {
    return !t.defined() || is_on_device(t) ? views.of(t) : views.host_number(t, what);
  };
  Stack inputs = map_tensors(arguments, view), outputs = map_tensors(results, view);
  launch(what, std::move(views), [op, fresh, inputs = std::move(inputs), outputs = std::move(outputs)] {
    Stack call = inputs;
    op.callBoxed(call);
    copy_results(call, outputs, fresh);
  });
  for (IValue& result : results) stack->push_back(std::move(result));
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&run_any>()); }

}  // namespace
}  // namespace lm::device
