// Cross entropy over logits [n, classes], on the device; nothing here waits for it.
#pragma once

#include <ATen/ATen.h>

namespace lm {

struct Loss {
  at::Tensor value;     // mean over the batch, a scalar
  at::Tensor gradient;  // of the mean, [n, classes]
};

Loss cross_entropy(const at::Tensor& logits, const at::Tensor& labels);

// How many of the batch have their label first, and among the first five: int64 [2]. NaN logits are never
// right; equal logits rank by index, as in argmax.
at::Tensor count_correct(const at::Tensor& logits, const at::Tensor& labels);

}  // namespace lm
