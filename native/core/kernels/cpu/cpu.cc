#include "core/kernels/cpu/cpu.h"

#include "core/kernels/noise.h"

namespace lm::cpu {
namespace {

template <typename T>
constexpr Kernels kernels_of(std::string_view name) {
  Kernels kernels{
      .name = name,
      .adds = true,
      .norm_train = NormKernels<T>::train,
      .norm_again = NormKernels<T>::again,
      .norm_backward = NormKernels<T>::backward,
      .norm_sums = NormKernels<T>::sums,
      .norm_gradient_sums = NormKernels<T>::gradient_sums,
      .norm_gradient = NormKernels<T>::gradient,
      .norm_evaluate = NormKernels<T>::evaluate,
      .convolve = convolve,
      .convolve_backward = convolve_backward,
      .combine = combine<T>,
      .dot = dot<T>,
      .combine_backward = combine_backward<T>,
      .normalise = normalise<T>,
      .mix_images = [](const at::Tensor& x, const at::Tensor& by) { plain_kernels.mix_images(x, by); },
      .dropout_mask = fill_dropout_mask,
      .gaussian = fill_gaussian,
  };
  if constexpr (std::is_same_v<T, float>) {
    kernels.takes_norm = by_own_loops;
    kernels.pack_weight = pack_weight;
    kernels.pack_channels = pack_channels;
    kernels.convolve_fused = convolve_fused;
  }
  return kernels;
}

}  // namespace

constinit const Kernels float_kernels = kernels_of<float>("cpu float32");
constinit const Kernels double_kernels = kernels_of<double>("cpu float64");

}  // namespace lm::cpu
