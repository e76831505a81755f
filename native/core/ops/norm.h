// Batch norm by the statistics of the batch, or of all ranks' batches: for the ops that hold one.
#pragma once

#include "core/ops/frame.h"
#include "core/ops/op.h"

namespace lm {

// Mean and inverse deviation [C], which last from forward to backward.
std::vector<KeptTensor> kept_statistics(const Sizes& x);

// Takes the statistics of x, moves the running ones, and writes the result where there is a place for it.
void train_norm(const Frame& f, const Kernels& kernels, const Norm& norm, double momentum,
                const at::Tensor& out);

// By the statistics that train_norm found. The gradient of x may be where the incoming one is.
void norm_gradients(const Frame& f, const Kernels& kernels, const Norm& norm, const at::Tensor& grad,
                    const Gradients& into);

}  // namespace lm
