// One piece of memory for everything that a pass writes; the passes of a model share it, one after the other.
#pragma once

#include <ATen/ATen.h>

#include "core/graph/graph.h"

namespace lm {

class Arena {
 public:
  explicit Arena(at::Device device) : device_(device) {}

  // At least so many bytes, for images [n, c, h, w]: what was there is lost where it grows. Throws
  // ERR_MEMORY.
  char* reserve(int64_t bytes, const Sizes& images);
  int64_t bytes() const { return memory_.defined() ? static_cast<int64_t>(memory_.nbytes()) : 0; }
  at::Device device() const { return device_; }

 private:
  at::Device device_;
  at::Tensor memory_;
};

}  // namespace lm
