// The kernels of CUDA devices, from the library lm_cuda: the rows of the table, which bring tensors to its
// launches. Where a layout does not fit, libtorch's functions do it (plain_kernels).
#pragma once

#include "core/kernels/kernels.h"

namespace lm::cuda {

// The row of a type of values, or null: where no library is there, or none for the type.
const Kernels* kernels_of(at::ScalarType type);

}  // namespace lm::cuda
