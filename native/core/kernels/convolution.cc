#include "core/kernels/convolution.h"

#include <optional>
#include <tuple>

namespace lm {
namespace {

using at::Tensor;

ConvolutionGradients direct(const Tensor& grad, const Tensor& x, const Tensor& weight, const Sliding& s,
                            std::array<bool, 3> wants) {
  const std::array<int64_t, 1> sizes{weight.size(0)};
  auto [gx, gw, gb] =
      at::convolution_backward(grad, x, weight, wants[2] ? at::OptionalIntArrayRef(sizes) : std::nullopt,
                               s.stride, s.padding, {1, 1}, false, {0, 0}, s.groups, wants);
  return {std::move(gx), std::move(gw), std::move(gb)};
}

// oneDNN (3.x, uxlfoundation/oneDNN#6035) writes past its scratch memory for the weight gradient of a 1 x 1
// convolution with a stride whose input has fewer channels than a vector register: 16 with AVX-512, 8 with
// AVX2, the larger of which is the bound here, so that all machines give the same bits.
constexpr int64_t kVector = 16;

bool overruns(const Tensor& x, const Tensor& weight, const Sliding& s) {
  return x.device().is_cpu() && x.size(1) < kVector && weight.size(2) == 1 && weight.size(3) == 1 &&
         (s.stride[0] > 1 || s.stride[1] > 1);
}

// The same with stride 1, on those pixels alone.
ConvolutionGradients subsampled(const Tensor& grad, const Tensor& x, const Tensor& weight, const Sliding& s,
                                std::array<bool, 3> wants) {
  const auto [ph, pw] = s.padding;
  const Tensor padded = ph > 0 || pw > 0 ? at::constant_pad_nd(x, {pw, pw, ph, ph}) : x;
  const Tensor thin = seen(padded, s).contiguous(at::MemoryFormat::ChannelsLast);
  ConvolutionGradients out = direct(grad, thin, weight, {.groups = s.groups}, wants);
  if (!wants[0]) return out;
  const Tensor wide = at::zeros_like(padded, at::MemoryFormat::ChannelsLast);
  seen(wide, s).copy_(out.x);
  out.x = wide.narrow(2, ph, x.size(2)).narrow(3, pw, x.size(3));
  return out;
}

}  // namespace

bool is_pointwise(at::IntArrayRef weight, const Sliding& s) {
  return weight[2] == 1 && weight[3] == 1 && s.groups == 1 && s.padding[0] + s.padding[1] == 0;
}

Tensor seen(const Tensor& x, const Sliding& s) {
  return x.slice(2, 0, x.size(2), s.stride[0]).slice(3, 0, x.size(3), s.stride[1]);
}

Tensor convolve(const Tensor& x, const Tensor& weight, const Tensor& bias, const Sliding& s) {
  return at::convolution(x, weight, bias.defined() ? std::optional(bias) : std::nullopt, s.stride, s.padding,
                         {1, 1}, false, {0, 0}, s.groups);
}

ConvolutionGradients convolve_backward(const Tensor& grad, const Tensor& x, const Tensor& weight,
                                       const Sliding& s, std::array<bool, 3> wants) {
  return (overruns(x, weight, s) ? subsampled : direct)(grad, x, weight, s, wants);
}

}  // namespace lm
