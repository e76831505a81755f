// What convolutions, batch norm and poolings are told beside their inputs: passes and profiles read it too.
#pragma once

#include "core/kernels/convolution.h"
#include "core/ops/shapes.h"

namespace lm {

struct ConvAttributes final : Attributes {
  Window window;
  int64_t groups = 1;

  Sliding sliding() const { return {window.stride, window.padding, groups}; }
};

// Of x [N, C, H, W] and weight [out, C / groups, kh, kw]; ERR_SHAPE with the node's path.
Sizes convolution_shape(const Node& node, const ConvAttributes& attributes, const Sizes& x,
                        const Sizes& weight);

struct PoolAttributes final : Attributes {
  std::array<int64_t, 2> kernel{1, 1};
  Window window;
};

struct NormAttributes final : Attributes {
  double eps = 1e-5, momentum = 0.1;
};

}  // namespace lm
