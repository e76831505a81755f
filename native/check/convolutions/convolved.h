// A convolution with its gradients, and how wrong they are.
#pragma once

#include <string>

#include "check/convolutions/shapes.h"

namespace lm {

// x, weights, bias and the gradient of the result of one shape.
struct Numbers {
  at::Tensor x, weight, bias, grad;
  at::Tensor size{};  // of x where nothing is to cancel, if that is not its own
};

struct Convolved {
  at::Tensor output, x, weight, bias;
};

Numbers draw_numbers(Rng& rng, const Shape& shape);
// libtorch's own functions, with nothing gone around.
Convolved by_libtorch(const Numbers& numbers, const Sliding& sliding);
// What is printed of them: the largest errors, against libtorch's of float64; with `windows` those of weights
// as shares of the largest number of their window, for Winograd's algorithm makes a window's of the same
// sums.
std::string errors(const Convolved& found, const Numbers& numbers, const Sliding& sliding,
                   bool windows = false);

}  // namespace lm
