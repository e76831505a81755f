// Shapes of convolutions to try, numbers for them, and how wrong a result is.
#pragma once

#include <ATen/ATen.h>

#include <initializer_list>
#include <string>

#include "core/kernels/convolution.h"
#include "core/rng.h"

namespace lm {

struct Shape {
  int64_t images, in, out, height, width, kernel[2];
  Sliding sliding;
  bool bias;
  at::ScalarType type;

  int64_t places(size_t axis) const {  // of the window along height or width
    const int64_t size = axis == 0 ? height : width;
    return (size + 2 * sliding.padding[axis] - kernel[axis]) / sliding.stride[axis] + 1;
  }
};

int64_t one_of(Rng& rng, std::initializer_list<int64_t> values);
// The i-th of a seed: the first are at the bounds of known faults.
Shape draw_shape(uint64_t seed, uint64_t i);
std::string text(const Shape& shape);
// Of a normal law, channels-last.
at::Tensor normal(Rng& rng, at::IntArrayRef sizes, at::ScalarType type);
// The largest |found - right| of an element, as a share of what it would be if nothing cancelled, or of the
// smallest number that has all its digits.
double error(const at::Tensor& found, const at::Tensor& right, const at::Tensor& uncancelled);

}  // namespace lm
