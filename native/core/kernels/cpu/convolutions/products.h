// The products that gradients of weights are summed of.
#pragma once

#include "core/kernels/cpu/convolutions/vectors.h"

namespace lm::cpu {
namespace {

// sums += sum over t of d x, of kFilters filters and sixteen channels: their numbers lie side by side, those
// of the next t one step on, the sums of the next filter one row on.
template <int kNumbers, int kFilters>
LM_INLINE void add_products(const float* x, int64_t x_step, const float* d, int64_t d_step, int64_t count,
                            float* sums, int64_t row) {
  using R = Register<kNumbers>;
  constexpr int kRegisters = kLanes / kNumbers;
  typename R::Type s[kFilters][kRegisters] = {};
  for (int64_t t = 0; t < count; ++t, x += x_step, d += d_step) {
    typename R::Type v[kRegisters];
    for (int k = 0; k < kRegisters; ++k) v[k] = R::load(x + k * kNumbers);
    for (int f = 0; f < kFilters; ++f)
      for (int k = 0; k < kRegisters; ++k) s[f][k] += v[k] * d[f];
  }
  for (int f = 0; f < kFilters; ++f)
    for (int k = 0; k < kRegisters; ++k) {
      float* to = sums + f * row + k * kNumbers;
      const auto sum = R::load(to) + s[f][k];
      __builtin_memcpy(to, &sum, sizeof sum);
    }
}

}  // namespace
}  // namespace lm::cpu
