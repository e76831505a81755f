// libtorch's functions that make their own result, made to write where they are told.
#pragma once

#include <ATen/ATen.h>

#include "core/allocator.h"

namespace lm {

inline at::MemoryFormat format_of(const at::Tensor& t) {
  return t.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
}

// `result` into `out`: nothing to do where it lies there already.
inline void settle(const at::Tensor& out, at::Tensor result) {
  const bool there = result.data_ptr() == out.data_ptr();
  if (there && result.scalar_type() == out.scalar_type() && result.is_contiguous(format_of(out))) return;
  out.copy_(there ? result.clone() : result);  // there, but in another order
}

// The result of make() into `out`: on the CPU the memory that libtorch asks for is that of `out`.
template <typename Make>
void into(const at::Tensor& out, const Make& make) {
  at::Tensor result;
  {
    const NextAllocation next(out.device().is_cpu() ? out.data_ptr() : nullptr, out.nbytes());
    result = make();
  }
  settle(out, std::move(result));
}

}  // namespace lm
