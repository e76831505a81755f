// Elementwise draws on the host, in float32 and float64.
#pragma once

#include <ATen/ATen.h>

#include "core/kernels/kernels.h"

namespace lm {

void fill_dropout_mask(const Streams& streams, double p, const at::Tensor& out);
void fill_gaussian(const Streams& streams, double deviation, const at::Tensor& out);

}  // namespace lm
