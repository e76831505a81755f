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
#pragma GCC unroll 4
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

// The same of sixteen filters, or of those that are left of them, of kFilters at a time at most and of about
// as many each time: fewer would not keep the multipliers at work.
template <int kNumbers, int kFilters, int kLeft = kLanes>
LM_INLINE void add_all_products(const float* x, int64_t x_step, const float* d, int64_t d_step, int64_t count,
                                float* sums, int64_t row) {
  constexpr int kTimes = (kLeft + kFilters - 1) / kFilters, kNow = (kLeft + kTimes - 1) / kTimes;
  add_products<kNumbers, kNow>(x, x_step, d, d_step, count, sums, row);
  if constexpr (kLeft > kNow)
    add_all_products<kNumbers, kFilters, kLeft - kNow>(x, x_step, d + kNow, d_step, count, sums + kNow * row,
                                                       row);
}

}  // namespace
}  // namespace lm::cpu
