// A named set of parameter-shaped tensors (weights, gradients, momentum, EMA): views of one flat tensor, so
// that zeroing, finiteness checks, averaging and reductions are one operation, and layouts agree between
// sets.
#pragma once

#include <ATen/ATen.h>

#include "core/graph/graph.h"

namespace lm {

struct Weights {
  // Every tensor starts at a multiple of so many numbers: on a cache line.
  static constexpr int64_t kAlign = 16;

  at::Tensor flat;
  std::vector<at::Tensor> views;
  uint64_t version = 1;  // counts up with every change, so that what was made of them is made anew

  // Zeros. Convolution weights are laid out channels-last.
  static Weights zeros(const std::vector<Sizes>& shapes, const at::TensorOptions& options);
  // A copy in the same layout, in another type or the same.
  Weights copy(at::ScalarType type) const;
};

}  // namespace lm
