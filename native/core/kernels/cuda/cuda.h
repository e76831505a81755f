// The kernels of CUDA devices, from the library lm_cuda: the rows of the table, which bring tensors to its
// launches. Where a layout does not fit, libtorch's functions do it (plain_kernels).
#pragma once

#include <string>

#include "core/kernels/kernels.h"

namespace lm::cuda {

// The row of a type of values, or null: where no library is there, or none for the type, or none that the
// device runs. Kernels on the host (at::kCPU) are those of tests.
const Kernels* kernels_of(at::Device device, at::ScalarType type);

// Why the device has none; empty: it has.
std::string why_none(at::Device device);

}  // namespace lm::cuda
