// Fused kernels of the processor, float32 and float64, channels-last. Where a layout does not fit, libtorch's
// functions do it (plain_kernels).
#pragma once

#include "core/kernels/kernels.h"

namespace lm::cpu {

struct DirectSet;
struct ReadInput;
struct TileSet;

extern const Kernels float_kernels, double_kernels;
// bfloat16 and float16, computed in float32.
const Kernels& half_kernels(at::ScalarType type);

// Values of type S, computed with in T.
template <typename T, typename S = T>
struct NormKernels {
  static void train(const Norm& norm, const Running& running, const Statistics& found, const at::Tensor& out);
  static void again(const Norm& norm, const Statistics& found, const at::Tensor& out);
  static void backward(const Norm& norm, const Statistics& found, const at::Tensor& grad,
                       const Gradients& into);
  static void sums(const at::Tensor& x, const at::Tensor& sums);
  static void gradient_sums(const Norm& norm, const Statistics& found, const at::Tensor& grad,
                            const at::Tensor& sums);
  static void gradient(const Norm& norm, const Statistics& found, const at::Tensor& grad,
                       const at::Tensor& sums, double count, const at::Tensor& out, const at::Tensor* before);
  static void evaluate(const Norm& norm, const at::Tensor& mean, const at::Tensor& var,
                       const at::Tensor& out);
};

// y = x scale + shift, both [C] of float32, is what a norm makes of x by these statistics, but for the relu.
void norm_affine(const Norm& norm, const Statistics& by, const at::Tensor& scale, const at::Tensor& shift);

template <typename T, typename S = T>
void combine(std::span<const Term> terms, const at::Tensor& out);
template <typename T, typename S = T>
void dot(const at::Tensor& a, const at::Tensor& b, const at::Tensor& sum);
// Those that there are loops for by our own, in float32.
void convolve(const Convolution& convolution, const at::Tensor& out);
void convolve_backward(const Convolution& convolution, const at::Tensor& grad, const Gradients& into);
// Whether there are, which is up to the shapes and strides alone; all of them can read x through a norm.
bool by_own_loops(const Convolution& convolution);
bool by_own_loops(at::IntArrayRef x, at::IntArrayRef weight, const Sliding& sliding);
// By the loops of one instruction set.
void convolve(const Convolution& convolution, const at::Tensor& out, const DirectSet& set);
void convolve_backward(const Convolution& convolution, const at::Tensor& grad, const Gradients& into,
                       const DirectSet& set);
// Of bfloat16 or float32, multiplied as bfloat16 and summed in float32 (tiles/tiles.h), and whether there are
// loops for that, which is up to the shapes and strides alone; all of them can read x through a norm.
bool by_tiles(const Convolution& convolution);
bool by_tiles(at::IntArrayRef x, at::IntArrayRef weight, const Sliding& sliding);
void convolve_by_tiles(const Convolution& convolution, const at::Tensor& out, const TileSet& set);
void convolve_backward_by_tiles(const Convolution& convolution, const at::Tensor& grad, const Gradients& into,
                                const TileSet& set);
// Narrow groups, as ResNeXt's: by loops of their own (convolutions/narrow.cc).
bool is_narrow(at::IntArrayRef weight, const Sliding& sliding);
// weight += its gradient: of 3 x 3 by Winograd's algorithm, of narrow groups, and of 1 x 1.
void winograd_weight_gradient(const ReadInput& x, const at::Tensor& grad, const Sliding& sliding,
                              const at::Tensor& weight, const DirectSet& set);
void narrow_weight_gradient(const ReadInput& x, const at::Tensor& grad, const Sliding& sliding,
                            const at::Tensor& weight, const DirectSet& set);
void pointwise_weight_gradient(const ReadInput& x, const at::Tensor& grad, const at::Tensor& weight,
                               const DirectSet& set);
// float32 alone.
at::Tensor pack_weight(const at::Tensor& weight, const at::Tensor& scale, const Sliding& sliding);
at::Tensor pack_channels(const at::Tensor& numbers);
void convolve_fused(const FusedConvolution& convolution);
// By the loops of one instruction set.
void convolve_fused(const FusedConvolution& convolution, const DirectSet& set);
template <typename T, typename S = T>
void combine_backward(const at::Tensor& grad, std::span<const TermGradient> terms);
template <typename T>
void normalise(const at::Tensor& pixels, const std::vector<double>& scale, const std::vector<double>& shift,
               const at::Tensor& out);

}  // namespace lm::cpu
