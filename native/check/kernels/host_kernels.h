// The launches of the CUDA kernels on the host.
#pragma once

#include "core/kernels/cuda/launches.h"

// As the library of a device exports it.
extern "C" __attribute__((visibility("default"))) const lm::cuda::Launches* lm_cuda_launches_3(
    lm::cuda::Type type, int64_t bytes);
