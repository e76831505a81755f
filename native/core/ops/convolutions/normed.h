// What a convolution of a training pass that reads its input through a batch norm is told beside its inputs.
#pragma once

#include "core/ops/layers.h"

namespace lm {

// conv(norm(x)) or conv(relu(norm(x))), by batch statistics. Parameters: of the convolution, then of the
// norm.
struct NormConvAttributes final : Attributes {
  ConvAttributes convolution;
  NormAttributes norm;
  bool bias = false;  // of the convolution
  bool relu = false;
};

}  // namespace lm
