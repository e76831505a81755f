// Elementwise draws on the host, in float32 and float64.
#pragma once

#include <ATen/ATen.h>

#include "core/kernels/kernels.h"

namespace lm {

void fill_dropout_mask(const DrawKeys& keys, double p, const at::Tensor& out);
void fill_gaussian(const DrawKeys& keys, double deviation, const at::Tensor& out);

}  // namespace lm
