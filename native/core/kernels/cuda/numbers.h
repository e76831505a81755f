// Numbers of the CUDA kernels, on the device and on the host alike: half types as they lie in memory, the
// type that is reckoned in, and packs of numbers that one instruction moves.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#define LM_HD __host__ __device__ __forceinline__
#else
#define LM_HD inline
#endif

namespace lm::cuda {

// float16 and bfloat16 in memory.
struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

// What values of a type are reckoned, and statistics kept, in.
template <typename V>
struct WideOf {
  using Type = float;
};
template <>
struct WideOf<double> {
  using Type = double;
};
template <typename V>
using Wide = typename WideOf<V>::Type;

inline float half_to_float(uint16_t bits) {
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  const float size = exponent == 0    ? std::ldexp(static_cast<float>(mantissa), -24)
                     : exponent == 31 ? (mantissa == 0 ? INFINITY : NAN)
                                      : std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
  return (bits & 0x8000) != 0 ? -size : size;
}

// Rounded to the nearest, ties to even.
inline uint16_t float_to_half(float value) {
  const auto sign = static_cast<uint16_t>(std::signbit(value) ? 0x8000 : 0);
  const float size = std::fabs(value);
  if (std::isnan(value)) return 0x7fff;
  if (size >= 65520.0F) return static_cast<uint16_t>(sign | 0x7c00);
  if (size < 0x1p-14F) return static_cast<uint16_t>(sign | static_cast<int>(std::nearbyint(size * 0x1p24F)));
  int exponent = 0;
  const float fraction = std::frexp(size, &exponent);  // in [0.5, 1)
  const int mantissa = static_cast<int>(std::nearbyint(fraction * 2048)) - 1024;
  return static_cast<uint16_t>(sign | (((exponent + 14) << 10) + mantissa));
}

LM_HD float wide(float v) { return v; }
LM_HD double wide(double v) { return v; }
LM_HD float wide(Half v) {
#if defined(__CUDA_ARCH__)
  return __half2float(__ushort_as_half(v.bits));
#else
  return half_to_float(v.bits);
#endif
}
LM_HD float wide(BFloat16 v) {
#if defined(__CUDA_ARCH__)
  return __bfloat162float(__ushort_as_bfloat16(v.bits));
#else
  const uint32_t bits = static_cast<uint32_t>(v.bits) << 16;
  float out;
  std::memcpy(&out, &bits, sizeof out);
  return out;
#endif
}

template <typename V>
struct Narrow {
  static LM_HD V from(Wide<V> v) { return v; }
};
template <>
struct Narrow<Half> {
  static LM_HD Half from(float v) {
#if defined(__CUDA_ARCH__)
    return {__half_as_ushort(__float2half_rn(v))};
#else
    return {float_to_half(v)};
#endif
  }
};
template <>
struct Narrow<BFloat16> {
  static LM_HD BFloat16 from(float v) {
#if defined(__CUDA_ARCH__)
    return {__bfloat16_as_ushort(__float2bfloat16_rn(v))};
#else
    uint32_t bits;
    std::memcpy(&bits, &v, sizeof bits);
    if (v != v) return {0x7fff};
    return {static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
#endif
  }
};
template <typename V>
LM_HD V narrow(Wide<V> v) {
  return Narrow<V>::from(v);
}

// a b + c, rounded once: the same number wherever it is written, which signs of a relu rely on.
LM_HD float fused(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(a, b, c);
#else
  return std::fma(a, b, c);
#endif
}
LM_HD double fused(double a, double b, double c) {
#if defined(__CUDA_ARCH__)
  return __fma_rn(a, b, c);
#else
  return std::fma(a, b, c);
#endif
}

// Neighbours in memory that are moved at once.
template <typename V, int kCount>
struct alignas(sizeof(V) * kCount) Pack {
  V v[kCount];
};

// Numbers of a full pack: 16 bytes.
template <typename V>
constexpr int kFullPack = 16 / static_cast<int>(sizeof(V));

}  // namespace lm::cuda
