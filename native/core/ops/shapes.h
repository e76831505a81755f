// What the shape rules share.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/graph/graph.h"

namespace lm {

std::string text(const Sizes& shape);

// That of the first input.
Sizes same_shape(const Node&, const Graph&, const std::vector<Sizes>& inputs);

// Throws ERR_SHAPE unless the shape is [N, C, H, W].
void want_image(const Node& node, const Sizes& x);

// Throws ERR_SHAPE, with the path and `what`, unless all inputs have one shape.
void want_equal_shapes(const Node& node, const std::vector<Sizes>& inputs);

// A window that slides over rows and columns: kernel, stride and padding of each axis.
struct Window {
  std::array<int64_t, 2> stride{1, 1}, padding{0, 0};

  // Size after it along axis 0 (height) or 1 (width).
  int64_t places(const Node& node, int64_t size, size_t axis, int64_t kernel) const;
};

}  // namespace lm
