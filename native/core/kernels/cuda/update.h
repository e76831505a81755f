// Updates of weights by the kernels of CUDA devices, for weights of a type.
#pragma once

#include "core/kernels/kernels.h"

namespace lm::cuda {

void sgd(const Update& update, const SgdMove& move);
void adam(const Update& update, const AdamMove& move);

}  // namespace lm::cuda
