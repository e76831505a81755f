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
  typename R::Type s[kFilters][kRegisters];
  set_zero(s);
  for (int64_t t = 0; t < count; ++t, x += x_step, d += d_step) {
    typename R::Type v[kRegisters];
    for (int k = 0; k < kRegisters; ++k) v[k] = R::load(x + k * kNumbers);
    for (int f = 0; f < kFilters; ++f)
      for (int k = 0; k < kRegisters; ++k) s[f][k] += v[k] * d[f];
  }
  for (int f = 0; f < kFilters; ++f)
    for (int k = 0; k < kRegisters; ++k) {
      float* to = sums + f * row + k * kNumbers;
      R::store(to, R::load(to) + s[f][k]);
    }
}

// The same of sixteen filters, of kFilters at a time and of what is left.
template <int kNumbers, int kFilters>
LM_INLINE void add_all_products(const float* x, int64_t x_step, const float* d, int64_t d_step, int64_t count,
                                float* sums, int64_t row) {
  int f = 0;
  for (; f + kFilters <= kLanes; f += kFilters)
    add_products<kNumbers, kFilters>(x, x_step, d + f, d_step, count, sums + f * row, row);
  if constexpr (kLanes % kFilters != 0)
    add_products<kNumbers, kLanes % kFilters>(x, x_step, d + f, d_step, count, sums + f * row, row);
}

}  // namespace
}  // namespace lm::cpu
