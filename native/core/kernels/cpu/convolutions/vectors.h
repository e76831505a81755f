// What the loops of direct.cc and winograd.cc share. They are templates of the numbers in a register, which
// are compiled once for every instruction set.
#pragma once

#include "core/kernels/cpu/convolutions/direct.h"

#define LM_INLINE inline __attribute__((always_inline))
#if defined(__x86_64__) && defined(__GNUC__)
#define LM_AVX512 __attribute__((target("avx512f")))
#define LM_AVX2 __attribute__((target("avx2,fma")))
#endif

namespace lm::cpu {
namespace {

// Loops over products are unrolled four times: what counts and jumps is an eighth of the instructions, which
// is what limits them where another thread runs on the same core.

// Weights come from memory: fetched so many numbers before they are multiplied.
constexpr int64_t kAhead = 1024;

// A register of so many numbers.
template <int kNumbers>
struct Register {
  typedef float Type __attribute__((vector_size(4 * kNumbers)));
  typedef int Places __attribute__((vector_size(4 * kNumbers)));
  static LM_INLINE Type load(const float* from) {
    Type v;
    __builtin_memcpy(&v, from, sizeof v);
    return v;
  }
  static LM_INLINE void store(float* to, Type v) { __builtin_memcpy(to, &v, sizeof v); }
};

// One register after another: an array of them that is set or copied as a whole goes through memory.
template <typename Type, size_t kRows, size_t kColumns>
LM_INLINE void set_zero(Type (&registers)[kRows][kColumns]) {
  for (auto& row : registers)
    for (Type& one : row) one = Type{};
}

// Sixteen output channels of one pixel: the sum, what is added, relu. What is no number stays so.
template <int kNumbers>
struct Result {
  using Type = typename Register<kNumbers>::Type;
  static constexpr int kRegisters = kLanes / kNumbers;

  static LM_INLINE void finish(const DirectRows& r, Type* sums, const float* const* u, int64_t f) {
    for (size_t t = 0; t < r.added; ++t)
      for (int v = 0; v < kRegisters; ++v)
        sums[v] += Register<kNumbers>::load(r.c[t] + f + v * kNumbers) *
                   Register<kNumbers>::load(u[t] + v * kNumbers);
    const Type zero = {};
    if (r.relu)
      for (int v = 0; v < kRegisters; ++v) sums[v] = sums[v] < zero ? zero : sums[v];
  }

  static LM_INLINE void write(const DirectRows& r, Type* sums, int64_t y, int64_t p, int64_t f) {
    const float* u[kMostTerms];
    for (size_t t = 0; t < r.added; ++t) u[t] = r.u[t].first + y * r.u[t].row + p * r.u[t].step + f;
    float* to = r.out.first + y * r.out.row + p * r.out.step + f;
    if (f + kLanes <= r.filters) {
      finish(r, sums, u, f);
      for (int v = 0; v < kRegisters; ++v) Register<kNumbers>::store(to + v * kNumbers, sums[v]);
      return;
    }
    Type copy[kRegisters];  // else the sums would not stay in registers
    for (int v = 0; v < kRegisters; ++v) copy[v] = sums[v];
    write_last(r, copy, u, to, f);
  }

  // Fewer than sixteen are left.
  static __attribute__((noinline)) void write_last(const DirectRows& r, Type* sums, const float** u,
                                                   float* to, int64_t f) {
    const auto bytes = static_cast<unsigned long>(r.filters - f) * sizeof(float);
    float copies[kMostTerms][kLanes] = {};
    for (size_t t = 0; t < r.added; ++t) {
      __builtin_memcpy(copies[t], u[t], bytes);
      u[t] = copies[t];
    }
    finish(r, sums, u, f);
    __builtin_memcpy(to, sums, bytes);
  }
};

}  // namespace
}  // namespace lm::cpu
