#include "core/kernels/cpu/rows.h"

#include <algorithm>
#include <bit>
#include <type_traits>

// Loops that the compiler turns into vector code; each is checked by scripts/bench, not trusted.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define LM_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define LM_CLONES
#endif
#define LM_INLINED __attribute__((always_inline))
#define LM_INLINE inline LM_INLINED

namespace lm::cpu {
namespace {

// 32 bytes of numbers; where the machine has narrower registers the compiler splits them.
template <typename T>
struct Vector {
  typedef T Type __attribute__((vector_size(32)));
  static constexpr int64_t kLanes = 32 / sizeof(T);
  static LM_INLINE Type load(const T* from) {
    Type v;
    __builtin_memcpy(&v, from, sizeof v);
    return v;
  }
  static LM_INLINE void add_to(T* to, Type v) {
    v += load(to);
    __builtin_memcpy(to, &v, sizeof v);
  }
};

// A vector of values as they are computed with, and one of them back.
template <typename T>
LM_INLINE typename Vector<T>::Type wide_vector(const T* from) {
  return Vector<T>::load(from);
}
LM_INLINE Vector<float>::Type wide_vector(const Bfloat16* from) {
  typedef uint16_t Halves __attribute__((vector_size(16)));
  typedef uint32_t Words __attribute__((vector_size(32)));
  Halves bits;
  __builtin_memcpy(&bits, from, sizeof bits);
  const Words words = __builtin_convertvector(bits, Words) << 16;
  Vector<float>::Type v;
  __builtin_memcpy(&v, &words, sizeof v);
  return v;
}

template <typename S>
LM_INLINE S narrow(S v) {
  return v;
}
template <typename S>
  requires std::is_same_v<S, Bfloat16>
LM_INLINE S narrow(float v) {
  const auto bits = std::bit_cast<uint32_t>(v);
  const uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  return {static_cast<uint16_t>(v != v ? 0x7FC0U : rounded)};
}

template <typename T, typename Body>
LM_INLINE void in_rows(int64_t width, int64_t begin, int64_t end, const Body& body) {
  for (int64_t i = begin; i < end; i += width) body(i, std::min(width, end - i));
}

template <typename T, typename S>
LM_INLINE void apply_body(const Rows<T, S>& r, int64_t begin, int64_t end) {
  in_rows<T>(r.width, begin, end, [&](int64_t i, int64_t n) {
    const S* __restrict x = r.x + i;
    S* __restrict out = r.out + i;
    const T* __restrict scale = r.scale, * __restrict shift = r.shift;
    const T floor = r.floor;
    for (int64_t j = 0; j < n; ++j) {
      const T y = wide(x[j]) * scale[j] + shift[j];
      out[j] = narrow<S>(y > floor ? y : (y != y ? y : floor));  // NaN stays NaN, as in relu
    }
  });
}

// Two sums per lane over rows, in registers: `add` takes a place in a row and adds to (first, second). Two
// vectors at a time go down a block of rows that fits the cache; what is left of a row is summed one by one.
template <typename T, typename AddVector, typename AddOne>
LM_INLINE void sum_down(int64_t width, int64_t begin, int64_t end, T* first, T* second, const AddVector& add,
                        const AddOne& add_one) {
  using V = Vector<T>;
  constexpr int64_t kLanes = V::kLanes;
  const int64_t whole = (end - begin) / width * width;  // numbers in whole rows
  int64_t j = 0;
  for (; j + 2 * kLanes <= width; j += 2 * kLanes) {
    typename V::Type a0 = {}, a1 = {}, b0 = {}, b1 = {};
    for (int64_t i = begin + j; i < begin + whole; i += width) {
      add(i, j, a0, b0);
      add(i + kLanes, j + kLanes, a1, b1);
    }
    V::add_to(first + j, a0);
    V::add_to(first + j + kLanes, a1);
    V::add_to(second + j, b0);
    V::add_to(second + j + kLanes, b1);
  }
  for (; j < width; ++j)
    for (int64_t i = begin + j; i < begin + whole; i += width) add_one(i, j, first[j], second[j]);
  for (int64_t i = begin + whole; i < end; ++i)
    add_one(i, i - begin - whole, first[i - begin - whole], second[i - begin - whole]);
}

template <typename T, typename S>
LM_INLINE void moments_body(const Rows<T, S>& r, int64_t begin, int64_t end, T* first, T* second) {
  using V = Vector<T>;
  sum_down<T>(
      r.width, begin, end, first, second,
      [&](int64_t i, int64_t j, auto& a, auto& b) LM_INLINED {
        const auto d = wide_vector(r.x + i) - V::load(r.centre + j);
        a += d;
        b += d * d;
      },
      [&](int64_t i, int64_t j, T& a, T& b) LM_INLINED {
        const T d = wide(r.x[i]) - r.centre[j];
        a += d;
        b += d * d;
      });
}

template <typename T, typename S, typename G>
LM_INLINE void gradient_sums_body(const Rows<T, S, G>& r, int64_t begin, int64_t end, T* first, T* second) {
  using V = Vector<T>;
  const typename V::Type zero = {}, floor = zero + r.floor;
  sum_down<T>(
      r.width, begin, end, first, second,
      [&](int64_t i, int64_t j, auto& a, auto& b) LM_INLINED {
        const auto x = wide_vector(r.x + i);
        const auto g =
            x * V::load(r.scale + j) + V::load(r.shift + j) > floor ? wide_vector(r.grad + i) : zero;
        a += g;
        b += g * (x - V::load(r.centre + j));
      },
      [&](int64_t i, int64_t j, T& a, T& b) LM_INLINED {
        const T x = wide(r.x[i]), g = x * r.scale[j] + r.shift[j] > r.floor ? wide(r.grad[i]) : T(0);
        a += g;
        b += g * (x - r.centre[j]);
      });
}

template <bool kAdds, typename T, typename S, typename G>
LM_INLINE void gradient_rows(const Rows<T, S, G>& r, int64_t begin, int64_t end) {
  in_rows<T>(r.width, begin, end, [&](int64_t i, int64_t n) LM_INLINED {
    const S* __restrict x = r.x + i;
    const G* grad = r.grad + i;
    const S* before = kAdds ? r.before + i : nullptr;
    S* out = r.out + i;
    const T* __restrict scale = r.scale, * __restrict shift = r.shift, * __restrict centre = r.centre;
    const T* __restrict slope = r.slope, * __restrict offset = r.offset;
    const T floor = r.floor;
#pragma GCC ivdep
    for (int64_t j = 0; j < n; ++j) {
      const T value = wide(x[j]), raw = wide(grad[j]);
      const T g = value * scale[j] + shift[j] > floor ? raw : T(0);
      const T found = g * scale[j] - (value - centre[j]) * slope[j] - offset[j];
      out[j] = narrow<S>(kAdds ? found + wide(before[j]) : found);
    }
  });
}

template <typename T, typename S, typename G>
LM_INLINE void gradient_body(const Rows<T, S, G>& r, int64_t begin, int64_t end) {
  if (r.before == nullptr)
    gradient_rows<false>(r, begin, end);
  else
    gradient_rows<true>(r, begin, end);
}

template <int kCount, typename T, typename S>
LM_INLINE void combine_body(const S* const* u, const T* c, S* __restrict out, int64_t begin, int64_t end) {
  T k[kCount];
  const S* p[kCount];
  for (int t = 0; t < kCount; ++t) {
    k[t] = c[t];
    p[t] = u[t];
  }
#pragma GCC ivdep
  for (int64_t i = begin; i < end; ++i) {
    T sum = k[0] * wide(p[0][i]);
    for (int t = 1; t < kCount; ++t) sum += k[t] * wide(p[t][i]);
    out[i] = narrow<S>(sum);
  }
}

template <typename T, typename S>
LM_INLINE void combine_any(const S* const* u, const T* c, int count, S* out, int64_t begin, int64_t end) {
  if (count == 1) combine_body<1>(u, c, out, begin, end);
  if (count == 2) combine_body<2>(u, c, out, begin, end);
  if (count == 3) combine_body<3>(u, c, out, begin, end);
  if (count == 4) combine_body<4>(u, c, out, begin, end);
}

template <typename T, typename S>
LM_INLINE T product_sum_body(const S* __restrict a, const S* __restrict b, int64_t begin, int64_t end) {
  constexpr int kLanes =
      16;  // independent sums, so that the order of addition is fixed and the loop is vector code
  T lanes[kLanes] = {};
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes)
    for (int l = 0; l < kLanes; ++l) lanes[l] += wide(a[i + l]) * wide(b[i + l]);
  T sum = 0;
  for (; i < end; ++i) sum += wide(a[i]) * wide(b[i]);
  for (T lane : lanes) sum += lane;
  return sum;
}

}  // namespace

LM_CLONES void apply(const Rows<float>& r, int64_t begin, int64_t end) { apply_body(r, begin, end); }
LM_CLONES void apply(const Rows<double>& r, int64_t begin, int64_t end) { apply_body(r, begin, end); }
LM_CLONES void apply(const Rows<float, Bfloat16>& r, int64_t begin, int64_t end) {
  apply_body(r, begin, end);
}

LM_CLONES void moments(const Rows<float>& r, int64_t begin, int64_t end, float* first, float* second) {
  moments_body(r, begin, end, first, second);
}
LM_CLONES void moments(const Rows<double>& r, int64_t begin, int64_t end, double* first, double* second) {
  moments_body(r, begin, end, first, second);
}
LM_CLONES void moments(const Rows<float, Bfloat16>& r, int64_t begin, int64_t end, float* first,
                       float* second) {
  moments_body(r, begin, end, first, second);
}

LM_CLONES void gradient_sums(const Rows<float>& r, int64_t begin, int64_t end, float* first, float* second) {
  gradient_sums_body(r, begin, end, first, second);
}
LM_CLONES void gradient_sums(const Rows<double>& r, int64_t begin, int64_t end, double* first,
                             double* second) {
  gradient_sums_body(r, begin, end, first, second);
}
LM_CLONES void gradient_sums(const Rows<float, Bfloat16>& r, int64_t begin, int64_t end, float* first,
                             float* second) {
  gradient_sums_body(r, begin, end, first, second);
}
LM_CLONES void gradient_sums(const Rows<float, float, Bfloat16>& r, int64_t begin, int64_t end, float* first,
                             float* second) {
  gradient_sums_body(r, begin, end, first, second);
}

LM_CLONES void gradient(const Rows<float>& r, int64_t begin, int64_t end) { gradient_body(r, begin, end); }
LM_CLONES void gradient(const Rows<double>& r, int64_t begin, int64_t end) { gradient_body(r, begin, end); }
LM_CLONES void gradient(const Rows<float, Bfloat16>& r, int64_t begin, int64_t end) {
  gradient_body(r, begin, end);
}
LM_CLONES void gradient(const Rows<float, float, Bfloat16>& r, int64_t begin, int64_t end) {
  gradient_body(r, begin, end);
}

LM_CLONES void combine_rows(const float* const* u, const float* c, int count, float* out, int64_t begin,
                            int64_t end) {
  combine_any(u, c, count, out, begin, end);
}
LM_CLONES void combine_rows(const double* const* u, const double* c, int count, double* out, int64_t begin,
                            int64_t end) {
  combine_any(u, c, count, out, begin, end);
}

LM_CLONES void combine_rows(const Bfloat16* const* u, const float* c, int count, Bfloat16* out, int64_t begin,
                            int64_t end) {
  combine_any(u, c, count, out, begin, end);
}

LM_CLONES float product_sum(const float* a, const float* b, int64_t begin, int64_t end) {
  return product_sum_body<float>(a, b, begin, end);
}
LM_CLONES double product_sum(const double* a, const double* b, int64_t begin, int64_t end) {
  return product_sum_body<double>(a, b, begin, end);
}
LM_CLONES float product_sum(const Bfloat16* a, const Bfloat16* b, int64_t begin, int64_t end) {
  return product_sum_body<float>(a, b, begin, end);
}

}  // namespace lm::cpu
