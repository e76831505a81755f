// Tensors as the launches of CUDA kernels take them.
#pragma once

#include <ATen/ATen.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "core/error.h"
#include "core/kernels/cuda/launches.h"

namespace lm::cuda {

constexpr at::ScalarType type_of(Type type) {
  constexpr at::ScalarType types[]{at::kFloat, at::kDouble, at::kHalf, at::kBFloat16};
  return types[static_cast<int>(type)];
}

// Of statistics, weights and coefficients beside values of a type.
constexpr at::ScalarType wide_type(Type type) { return type == Type::kDouble ? at::kDouble : at::kFloat; }

// The device's stream of this thread; null on the host, where tests run the kernels.
inline void* stream_of(const at::Tensor& t) {
  if (t.device().is_cpu()) return nullptr;
  return c10::impl::VirtualGuardImpl(t.device().type()).getStream(t.device()).native_handle();
}

// Work that a device does not take: it failed before, whoever's work that was.
inline void want_started(const char* failed) { LM_CHECK(failed == nullptr, "ERR_DEVICE", "CUDA: ", failed); }

inline void* data_of(const at::Tensor& t) { return t.defined() ? t.data_ptr() : nullptr; }

inline bool is_aligned(const at::Tensor& t) {
  return reinterpret_cast<uintptr_t>(t.data_ptr()) % kAlignment == 0;
}

}  // namespace lm::cuda
