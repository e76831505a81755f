// Pixels -> the network's input.
#pragma once

#include <ATen/ATen.h>

#include <vector>

namespace lm {

// x = pixel · scale + shift per channel: uint8 [n, h, w, c] -> [n, c, h, w] channels-last, of the type and on
// the device of `options`. The pixels cross to the device as bytes.
at::Tensor normalise(const at::Tensor& pixels, const std::vector<double>& scale,
                     const std::vector<double>& shift, const at::TensorOptions& options);

}  // namespace lm
