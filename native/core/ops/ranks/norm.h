// Batch norm by the statistics of all ranks' batches: sums over the ranks in the forward and in the backward
// pass, of two numbers per channel each. All ranks have equally many values.
#pragma once

#include "core/kernels/kernels.h"
#include "core/ranks/ranks.h"

namespace lm {

// Of all values of a channel [C], in the model's own type.
struct Moments {
  at::Tensor mean, var;  // biased
  double count;
};

// Of x [N, C, H, W] and that of the other ranks, of type `type`.
Moments moments_over(Ranks& ranks, const Kernels& kernels, const at::Tensor& x, at::ScalarType type);
void move_running(const Running& running, const Moments& moments);

// As the kernels of these names do for one process.
void norm_train_over(Ranks& ranks, const Kernels& kernels, const Norm& norm, const Running& running,
                     const Statistics& found, const at::Tensor& out);
void norm_backward_over(Ranks& ranks, const Kernels& kernels, const Norm& norm, const Statistics& found,
                        const at::Tensor& grad, const Gradients& into);

}  // namespace lm
