// Pixels -> the network's input.

#include <ATen/Parallel.h>

#include "core/kernels/cpu/cpu.h"

namespace lm::cpu {
namespace {

constexpr int64_t kGroup =
    16;  // pixels whose factors are written out in a row, so that the loop has no channels

// One pass over the pixels: as separate operations it would be four.
template <typename T>
void convert(const uint8_t* from, int64_t pixels, const std::vector<double>& scale,
             const std::vector<double>& shift, T* to) {
  const auto channels = static_cast<int64_t>(scale.size());
  const int64_t width = channels * kGroup;
  std::vector<T> factors, terms;
  for (int64_t i = 0; i < width; ++i) {
    factors.push_back(static_cast<T>(scale[static_cast<size_t>(i % channels)]));
    terms.push_back(static_cast<T>(shift[static_cast<size_t>(i % channels)]));
  }
  const int64_t groups = pixels / kGroup, rest = (pixels - groups * kGroup) * channels;
  at::parallel_for(0, groups, 1 << 10, [&](int64_t first, int64_t last) {
    const T* const a = factors.data();
    const T* const b = terms.data();
    for (int64_t g = first; g < last; ++g) {
      const uint8_t* const in = from + g * width;
      T* const out = to + g * width;
      for (int64_t i = 0; i < width; ++i) out[i] = static_cast<T>(in[i]) * a[i] + b[i];
    }
  });
  for (int64_t i = 0; i < rest; ++i)
    to[groups * width + i] = static_cast<T>(from[groups * width + i]) * factors[static_cast<size_t>(i)] +
                             terms[static_cast<size_t>(i)];
}

}  // namespace

template <typename T>
void normalise(const at::Tensor& pixels, const std::vector<double>& scale, const std::vector<double>& shift,
               const at::Tensor& out) {
  const at::Tensor bytes = pixels.contiguous();
  const int64_t count = bytes.size(0) * bytes.size(1) * bytes.size(2);
  convert(bytes.const_data_ptr<uint8_t>(), count, scale, shift, out.data_ptr<T>());
}

template void normalise<float>(const at::Tensor&, const std::vector<double>&, const std::vector<double>&,
                               const at::Tensor&);
template void normalise<double>(const at::Tensor&, const std::vector<double>&, const std::vector<double>&,
                                const at::Tensor&);

}  // namespace lm::cpu
