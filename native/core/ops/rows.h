// The functions of the op table's rows, by file, and what their shape rules share.
#pragma once

#include "core/ops/ops.h"
#include "core/run/run.h"

namespace lm {

#define LM_ROW(name)                                                           \
  Sizes name##_shape(const Node&, const Graph&, const std::vector<Sizes>& in); \
  at::Tensor name##_forward(Frame& f);                                         \
  void name##_backward(Frame& f, const at::Tensor& grad)

// ops_norm.cc: batch norm in its two halves, and what the passes fuse
LM_ROW(stats);
LM_ROW(apply);
LM_ROW(norm);
LM_ROW(norm_relu);
// ops_maps.cc: pooling, channels, pixels
LM_ROW(avg_pool);
LM_ROW(max_pool);
Sizes pool_shape(const Node&, const Graph&, const std::vector<Sizes>& in);
LM_ROW(global_pool);
LM_ROW(concat);
LM_ROW(slice);
LM_ROW(pad);
LM_ROW(shift);
// ops_random.cc
LM_ROW(mix);
LM_ROW(dropout);
LM_ROW(gaussian);

#undef LM_ROW

Sizes same_shape(const Node&, const Graph&, const std::vector<Sizes>& in);

std::string text(const Sizes& shape);
// Throws ERR_SHAPE unless the shape is [N, C, H, W].
void want_image(const Node& node, const Sizes& x);
// Size after a sliding window along axis 0 (height) or 1 (width).
int64_t windows(const Node& node, int64_t size, size_t axis, int64_t kernel);
at::Tensor channels_last(const at::Tensor& t);

}  // namespace lm
