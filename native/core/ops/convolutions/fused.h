// What a convolution that has taken in its neighbours is told beside its inputs.
#pragma once

#include <optional>

#include "core/ops/layers.h"

namespace lm {

// Batch norm by running statistics.
struct TakenNorm {
  double eps = 0;
  bool affine = false;  // has weight and bias
};

// relu(norm(conv(relu(norm(x)))) c_0 + sum of c_i u_i), each of it but the convolution where it is there.
// Inputs: x, then u_i. Parameters and buffers: of the convolution, of the norm before it, of the one behind
// it. Coefficients: c_0, then c_i; or none.
struct FusedConvAttributes final : Attributes {
  ConvAttributes convolution;
  bool bias = false;
  std::optional<TakenNorm> before, behind;
  bool relu_before = false, relu = false;
};

// Whether a convolution can be fused: not where its groups are so narrow that most products would be with
// zeros.
bool can_fuse(const Graph& graph, const Node& convolution);

}  // namespace lm
