// Fused CPU kernels, float32 and float64, channels-last. Each returns nothing where it does not apply
// (another device, layout or dtype), and its caller falls back to ATen's functions.
#pragma once

#include <ATen/ATen.h>

#include <optional>

#include "core/run/coefficients.h"
#include "core/run/run.h"

namespace lm::kernels {

// sum of c_i u_i in one pass.
std::optional<at::Tensor> lin_forward(Frame& f);
// Gradient of a coefficient: sum of grad * u over all but the coefficient's own dimensions.
at::Tensor dot(const at::Tensor& grad, const at::Tensor& u, const at::Tensor& coefficient);
// batchNorm(x), or relu(batchNorm(x)): one pass for the statistics, one for the result.
std::optional<at::Tensor> norm_forward(Frame& f, bool relu);
bool norm_backward(Frame& f, const at::Tensor& grad, bool relu);
// batchNorm(x) again from what the forward pass saved.
at::Tensor normalised(const Frame& f);

}  // namespace lm::kernels
