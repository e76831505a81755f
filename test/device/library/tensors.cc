// Tensors of the test device: how they are made, looked at from another side, and copied from and to the
// host.

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/native/TensorFactories.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <torch/library.h>

#include <algorithm>
#include <cstring>

#include "core/kernels/convolution.h"
#include "counters.h"
#include "kernels.h"
#include "streams.h"

namespace lm::device {
namespace {

using at::Tensor;

constexpr c10::DispatchKeySet kKeys(c10::DispatchKey::PrivateUse1);

c10::Allocator* allocator() { return c10::GetAllocator(c10::DeviceType::PrivateUse1); }

Tensor empty(c10::SymIntArrayRef size, std::optional<at::ScalarType> type, std::optional<at::Layout>,
             std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(C10_AS_INTARRAYREF_SLOW(size), allocator(), kKeys,
                                   type.value_or(at::kFloat), format);
}

Tensor empty_strided(c10::SymIntArrayRef size, c10::SymIntArrayRef stride, std::optional<at::ScalarType> type,
                     std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(C10_AS_INTARRAYREF_SLOW(size), C10_AS_INTARRAYREF_SLOW(stride),
                                           allocator(), kKeys, type.value_or(at::kFloat));
}

// --- copies

size_t hash_of(const Tensor& host) {
  const auto* data = static_cast<const char*>(host.data_ptr());
  return std::hash<std::string_view>{}({data, host.nbytes()});
}

void wait_for(int64_t stream) {
  ++counters().stream_waits;
  wait_on_host(mark(stream));
}

// Memory of the host that no copy can go on from while the host runs is copied before it does.
void to_device(const Tensor& host, const Tensor& into, bool goes_on) {
  check_not_recording("a copy from the host");
  ++counters().to_device;
  const bool beside = goes_on && host.is_pinned();
  if (beside && faults().no_copies) return;
  const Tensor source = beside && host.is_non_overlapping_and_dense() ? host : host.contiguous();
  Views views;
  const Tensor to = views.of(into);
  const int64_t stream = current_stream();
  void* const data = source.data_ptr();
  const Tensor from =
      at::from_blob(data, source.sizes(), source.strides(), source.options().pinned_memory(false));
  launch("a copy to the device", std::move(views), [from, to, hash = hash_of(source)] {
    TORCH_CHECK(hash_of(from) == hash,
                "memory of the host was changed before its copy to the device was made");
    to.copy_(from);
  });
  if (beside && source.is_same(host))
    pinned_used_by(data, stream);
  else
    wait_for(stream);
}

void to_host(const Tensor& from, const Tensor& host, bool goes_on) {
  check_not_recording("a copy to the host");
  ++counters().to_host;
  const bool beside = goes_on && host.is_pinned() && host.is_non_overlapping_and_dense();
  if (beside && faults().no_copies) return;
  Views views;
  const Tensor source = views.of(from);
  const int64_t stream = current_stream();
  const Tensor to =
      at::from_blob(host.data_ptr(), host.sizes(), host.strides(), host.options().pinned_memory(false));
  if (beside) std::memset(host.data_ptr(), 0xff, host.nbytes());  // what is there before the copy is
  launch("a copy to the host", std::move(views), [source, to] { to.copy_(source); });
  if (beside)
    pinned_used_by(host.data_ptr(), stream);
  else
    wait_for(stream);
}

void within_device(const Tensor& from, const Tensor& into) {
  Views views;
  const Tensor source = views.of(from), to = views.of(into);
  launch("a copy", std::move(views), [source, to] { to.copy_(source); });
}

Tensor copy_from(const Tensor& from, const Tensor& into, bool goes_on) {
  if (into.numel() == 0) return into;
  if (!is_on_device(from))
    to_device(from.expand(into.sizes()), into, goes_on);
  else if (!is_on_device(into))
    to_host(from.expand(into.sizes()), into, goes_on);
  else
    within_device(from.expand(into.sizes()), into);
  return into;
}

at::Scalar number_of(const Tensor& t) {
  const Tensor host = at::empty(t.sizes(), t.options().device(at::kCPU));
  to_host(t, host, false);
  return host.item();
}

void record_stream(Tensor& t, c10::Stream stream) {
  if (t.numel() > 0) used_by(t.storage().data(), stream.id());
}

// --- convolutions

// A library says in words of its own that the device was lost.
void launch_of_cudnn(const std::string& what, Views views, std::function<void()> work) {
  try {
    launch(what, std::move(views), std::move(work));
  } catch (const c10::AcceleratorError&) {
    TORCH_CHECK(false, "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED");
  }
}

Tensor convolve_here(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias,
                     c10::SymIntArrayRef stride, c10::SymIntArrayRef padding, c10::SymIntArrayRef, bool,
                     c10::SymIntArrayRef, c10::SymInt groups) {
  const Sliding sliding{{stride[0].expect_int(), stride[1].expect_int()},
                        {padding[0].expect_int(), padding[1].expect_int()},
                        groups.expect_int()};
  const auto places = [&](int64_t axis) {
    const auto i = static_cast<size_t>(axis);
    return (x.size(axis + 2) + 2 * sliding.padding[i] - weight.size(axis + 2)) / sliding.stride[i] + 1;
  };
  const Tensor out = at::empty({x.size(0), weight.size(0), places(0), places(1)}, x.options(),
                               at::MemoryFormat::ChannelsLast);
  Views views;
  const Tensor to = views.of(out), u = views.of(x), w = views.of(weight),
               b = views.of(bias.value_or(Tensor()));
  launch_of_cudnn("convolution", std::move(views), [=] { to.copy_(convolve(u, w, b, sliding)); });
  return out;
}

std::tuple<Tensor, Tensor, Tensor> convolve_backward_here(const Tensor& grad, const Tensor& x,
                                                          const Tensor& weight, c10::SymIntArrayRef stride,
                                                          c10::SymIntArrayRef padding, c10::SymIntArrayRef,
                                                          bool, c10::SymIntArrayRef, c10::SymInt groups,
                                                          std::array<bool, 3> wants) {
  const Sliding sliding{{stride[0].expect_int(), stride[1].expect_int()},
                        {padding[0].expect_int(), padding[1].expect_int()},
                        groups.expect_int()};
  const Tensor gx = wants[0] ? at::empty(x.sizes(), x.options(), at::MemoryFormat::ChannelsLast) : Tensor();
  const Tensor gw = at::empty_like(weight);
  const Tensor gb = wants[2] ? at::empty({weight.size(0)}, weight.options()) : Tensor();
  Views views;
  const Tensor g = views.of(grad), u = views.of(x), w = views.of(weight);
  const Tensor to_x = views.of(gx), to_w = views.of(gw), to_b = views.of(gb);
  launch_of_cudnn("convolution_backward", std::move(views), [=] {
    const ConvolutionGradients found =
        convolve_backward(g, u, w, sliding, {to_x.defined(), true, to_b.defined()});
    if (to_x.defined()) to_x.copy_(found.x);
    to_w.copy_(found.weight);
    if (to_b.defined()) to_b.copy_(found.bias);
  });
  return {gx, gw, gb};
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("empty.memory_format", &empty);
  m.impl("empty_strided", &empty_strided);
  m.impl("as_strided", &at::native::as_strided_tensorimpl);
  m.impl("view", &at::native::view);
  m.impl("_reshape_alias", &at::native::_reshape_alias);
  m.impl("unfold", &at::native::unfold);
  m.impl("_copy_from", &copy_from);
  m.impl("_local_scalar_dense", &number_of);
  m.impl("record_stream", &record_stream);
  m.impl("convolution_overrideable", &convolve_here);
  m.impl("convolution_backward_overrideable", &convolve_backward_here);
}

}  // namespace
}  // namespace lm::device
