// Losses over logits [n, classes], on the device; nothing here waits for it.
#pragma once

#include <ATen/ATen.h>

#include "core/value.h"

namespace lm {

struct Loss {
  at::Tensor value;     // mean over the batch, a scalar
  at::Tensor gradient;  // of the mean, [n, classes]
};

// What a training minimises, and the targets it sets.
struct LossSpec {
  bool binary = false;    // mean of the binary cross entropies of all classes, instead of cross entropy
  double smoothing = 0;   // part of every target that is spread over all classes
  double threshold = -1;  // binary targets above it become 1, the others 0; below 0: they stay

  static LossSpec parse(const Value& spec);

  // Probabilities [n, classes]: lambda (a scalar on the device) of each label and, in mixed batches, 1 -
  // lambda of the label of image n - 1 - i.
  at::Tensor targets(const at::Tensor& labels, const at::Tensor& lambda, bool mixed, int64_t classes,
                     const at::TensorOptions& options) const;
  Loss operator()(const at::Tensor& logits, const at::Tensor& targets) const;
};

// Which images have only finite logits: bool [n]. The others are never right, in trainings and evaluations
// alike.
at::Tensor finite_rows(const at::Tensor& logits);
// The rank of every image's label, from 0: int64 [n]. Equal logits rank by index, as in argmax; where
// `finite` is false it is beyond all.
at::Tensor ranks(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& finite);
// How many of the batch have their label first, and among the first five: int64 [2].
at::Tensor count_correct(const at::Tensor& logits, const at::Tensor& labels);

}  // namespace lm
