// A random case of the check of the kernels, and what is printed of its results.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <cstdio>
#include <vector>

#include "core/kernels/cuda/cuda.h"
#include "core/rng.h"

namespace lm {

// One random case: a type, sizes, and tensors that are drawn as they are asked for.
struct Case {
  // Of the kernels of the processor, or those of CUDA devices.
  Case(uint64_t seed, uint64_t number, bool of_cpu) : rng(seed, "kernels", number) {
    constexpr at::ScalarType types[]{at::kFloat, at::kDouble, at::kHalf, at::kBFloat16};
    type = types[number % 4];
    kernels = of_cpu ? &kernels_for(at::kCPU, type) : cuda::kernels_of(at::kCPU, type);
    const int64_t widths[]{1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 24, 31, 32, 33, 64, 72, 120, 264};
    sizes = {below(4) + 1, widths[below(std::size(widths))], below(11) + 1, below(11) + 2};
  }

  int64_t below(size_t limit) { return static_cast<int64_t>(rng.below(limit)); }
  bool chance() { return rng.below(2) == 0; }
  bool is_wide() const { return type == wide(); }
  at::ScalarType wide() const { return type == at::kDouble ? at::kDouble : at::kFloat; }

  at::Tensor random(at::IntArrayRef shape, at::ScalarType as, double mean = 0) {
    at::Tensor t = at::empty(shape, at::kDouble);
    for (int64_t i = 0; i < t.numel(); ++i) t.data_ptr<double>()[i] = mean + rng.normal();
    return t.to(as);
  }
  // Values [n, c, h, w] in channels-last, far from zero so that sums cancel.
  at::Tensor values(double mean = 0) {
    return random(sizes, type, mean).contiguous(at::MemoryFormat::ChannelsLast);
  }
  at::Tensor per_channel(double mean = 0) { return random({sizes[1]}, wide(), mean); }

  Rng rng;
  at::ScalarType type;
  const Kernels* kernels;
  std::vector<int64_t> sizes;
};

inline void report(const Case& c, const char* kernel, const at::Tensor& found, const at::Tensor& wanted,
                   double scale) {
  const at::Tensor difference = (found.to(at::kDouble) - wanted.to(at::kDouble)).abs();
  const at::Tensor both = found.isnan().logical_and(wanted.isnan());
  const double largest = difference.masked_fill(both, 0).max().item<double>();
  std::printf("{\"kernel\":\"%s\",\"type\":\"%s\",\"shape\":\"%ldx%ldx%ldx%ld\",\"error\":", kernel,
              toString(c.type), c.sizes[0], c.sizes[1], c.sizes[2], c.sizes[3]);
  std::isfinite(largest) ? std::printf("%.3g}\n", largest / (scale > 0 ? scale : 1)) : std::printf("null}\n");
}

inline double largest(const at::Tensor& t) {
  return t.to(at::kDouble).nan_to_num(0, 0, 0).abs().max().item<double>();
}

inline at::Tensor exact(const at::Tensor& t) { return t.defined() ? t.to(at::kDouble) : t; }

inline at::Tensor copy(const at::Tensor& t) { return t.clone(); }

}  // namespace lm
