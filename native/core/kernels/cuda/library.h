// The library of CUDA kernels: the file that LM_RESNET_CUDA_KERNELS names, else lm_cuda.so beside the binary
// that this code is part of, opened where it is first asked for.
#pragma once

#include "core/kernels/cuda/launches.h"

namespace lm::cuda {

// The launches for a type of values; null where there is no library.
const Launches* launches(Type type);

// Why the current device, of this number, runs none of them; null: it does.
const char* trouble_on(int device);

// Brings launches from elsewhere, before the first question: tests run the kernels on the host.
void use(LaunchesOf launches_of);

}  // namespace lm::cuda
