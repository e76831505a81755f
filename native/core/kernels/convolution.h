// Convolutions of libtorch, gone around where they are wrong.
#pragma once

#include <ATen/ATen.h>

#include <array>

namespace lm {

// Stride and padding of each axis.
struct Sliding {
  std::array<int64_t, 2> stride{1, 1}, padding{0, 0};
  int64_t groups = 1;
};

// x [N, C, H, W] with weight [out, C / groups, kh, kw]; bias [out] may be undefined.
at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                    const Sliding& sliding);

// Whether every window is one pixel of all channels; and, of such windows, the pixels that they see.
bool is_pointwise(at::IntArrayRef weight, const Sliding& sliding);
at::Tensor seen(const at::Tensor& x, const Sliding& sliding);

// Whether the kernels that a convolution is fused with its neighbours for serve it: not where groups are so
// narrow that most of their products would be with zeros.
bool fuses(const at::IntArrayRef& weight, const Sliding& sliding);
constexpr size_t kMostAdded = 3;  // terms that they add

// Whether convolutions pay where they read x through a norm, by the sizes of x and of the weight; those in a
// half type then read and write values of float32 too.
using TakesNorm = bool (*)(at::IntArrayRef x, at::IntArrayRef weight, const Sliding& sliding);

// By x, weight and bias: those that are wanted.
struct ConvolutionGradients {
  at::Tensor x, weight, bias;
};

ConvolutionGradients convolve_backward(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& weight,
                                       const Sliding& sliding, std::array<bool, 3> wants);

}  // namespace lm
