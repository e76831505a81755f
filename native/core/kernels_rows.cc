#include "core/kernels_rows.h"

#include <algorithm>

// Loops that the compiler turns into vector code; each is checked by scripts/bench, not trusted.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define LM_CLONES __attribute__((target_clones("arch=haswell", "default")))
#else
#define LM_CLONES
#endif
#define LM_INLINE inline __attribute__((always_inline))

namespace lm::kernels {
namespace {

template <typename T, typename Body>
LM_INLINE void in_rows(int64_t width, int64_t begin, int64_t end, const Body& body) {
  for (int64_t i = begin; i < end; i += width) body(i, std::min(width, end - i));
}

template <typename T>
LM_INLINE void apply_relu_body(const Rows<T>& r, int64_t begin, int64_t end) {
  in_rows<T>(r.width, begin, end, [&](int64_t i, int64_t n) {
    const T* __restrict x = r.x + i;
    T* __restrict out = r.out + i;
    const T* __restrict scale = r.scale, * __restrict shift = r.shift;
    for (int64_t j = 0; j < n; ++j) {
      const T y = x[j] * scale[j] + shift[j];
      out[j] = y > T(0) ? y : (y != y ? y : T(0));  // NaN stays NaN, as in relu
    }
  });
}

template <typename T>
LM_INLINE void moments_body(const Rows<T>& r, int64_t begin, int64_t end, T* __restrict first,
                            T* __restrict second) {
  in_rows<T>(r.width, begin, end, [&](int64_t i, int64_t n) {
    const T* __restrict x = r.x + i;
    const T* __restrict centre = r.centre;
    for (int64_t j = 0; j < n; ++j) {
      const T d = x[j] - centre[j];
      first[j] += d;
      second[j] += d * d;
    }
  });
}

template <typename T>
LM_INLINE void gradient_sums_body(const Rows<T>& r, int64_t begin, int64_t end, T* __restrict first,
                                  T* __restrict second) {
  in_rows<T>(r.width, begin, end, [&](int64_t i, int64_t n) {
    const T* __restrict x = r.x + i, * __restrict grad = r.grad + i;
    const T* __restrict scale = r.scale, * __restrict shift = r.shift, * __restrict centre = r.centre;
    for (int64_t j = 0; j < n; ++j) {
      const T raw = grad[j];
      const T g = x[j] * scale[j] + shift[j] > T(0) ? raw : T(0);
      first[j] += g;
      second[j] += g * (x[j] - centre[j]);
    }
  });
}

template <typename T>
LM_INLINE void gradient_body(const Rows<T>& r, int64_t begin, int64_t end) {
  in_rows<T>(r.width, begin, end, [&](int64_t i, int64_t n) {
    const T* __restrict x = r.x + i;
    const T* grad = r.grad + i;
    T* out = r.out + i;
    const T* __restrict scale = r.scale, * __restrict shift = r.shift, * __restrict centre = r.centre;
    const T* __restrict slope = r.slope, * __restrict offset = r.offset;
#pragma GCC ivdep
    for (int64_t j = 0; j < n; ++j) {
      const T raw = grad[j];
      const T g = x[j] * scale[j] + shift[j] > T(0) ? raw : T(0);
      out[j] = g * scale[j] - (x[j] - centre[j]) * slope[j] - offset[j];
    }
  });
}

template <typename T, int kCount>
LM_INLINE void combine_body(const T* const* u, const T* c, T* __restrict out, int64_t begin, int64_t end) {
  T k[kCount];
  const T* p[kCount];
  for (int t = 0; t < kCount; ++t) {
    k[t] = c[t];
    p[t] = u[t];
  }
#pragma GCC ivdep
  for (int64_t i = begin; i < end; ++i) {
    T sum = k[0] * p[0][i];
    for (int t = 1; t < kCount; ++t) sum += k[t] * p[t][i];
    out[i] = sum;
  }
}

template <typename T>
LM_INLINE void combine_any(const T* const* u, const T* c, int count, T* out, int64_t begin, int64_t end) {
  if (count == 1) combine_body<T, 1>(u, c, out, begin, end);
  if (count == 2) combine_body<T, 2>(u, c, out, begin, end);
  if (count == 3) combine_body<T, 3>(u, c, out, begin, end);
  if (count == 4) combine_body<T, 4>(u, c, out, begin, end);
}

template <typename T>
LM_INLINE T product_sum_body(const T* __restrict a, const T* __restrict b, int64_t begin, int64_t end) {
  constexpr int kLanes =
      16;  // independent sums, so that the order of addition is fixed and the loop is vector code
  T lanes[kLanes] = {};
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes)
    for (int l = 0; l < kLanes; ++l) lanes[l] += a[i + l] * b[i + l];
  T sum = 0;
  for (; i < end; ++i) sum += a[i] * b[i];
  for (T lane : lanes) sum += lane;
  return sum;
}

}  // namespace

LM_CLONES void apply_relu(const Rows<float>& r, int64_t begin, int64_t end) {
  apply_relu_body(r, begin, end);
}
LM_CLONES void apply_relu(const Rows<double>& r, int64_t begin, int64_t end) {
  apply_relu_body(r, begin, end);
}

LM_CLONES void moments(const Rows<float>& r, int64_t begin, int64_t end, float* first, float* second) {
  moments_body(r, begin, end, first, second);
}
LM_CLONES void moments(const Rows<double>& r, int64_t begin, int64_t end, double* first, double* second) {
  moments_body(r, begin, end, first, second);
}

LM_CLONES void gradient_sums(const Rows<float>& r, int64_t begin, int64_t end, float* first, float* second) {
  gradient_sums_body(r, begin, end, first, second);
}
LM_CLONES void gradient_sums(const Rows<double>& r, int64_t begin, int64_t end, double* first,
                             double* second) {
  gradient_sums_body(r, begin, end, first, second);
}

LM_CLONES void gradient(const Rows<float>& r, int64_t begin, int64_t end) { gradient_body(r, begin, end); }
LM_CLONES void gradient(const Rows<double>& r, int64_t begin, int64_t end) { gradient_body(r, begin, end); }

LM_CLONES void combine(const float* const* u, const float* c, int count, float* out, int64_t begin,
                       int64_t end) {
  combine_any(u, c, count, out, begin, end);
}
LM_CLONES void combine(const double* const* u, const double* c, int count, double* out, int64_t begin,
                       int64_t end) {
  combine_any(u, c, count, out, begin, end);
}

LM_CLONES float product_sum(const float* a, const float* b, int64_t begin, int64_t end) {
  return product_sum_body(a, b, begin, end);
}
LM_CLONES double product_sum(const double* a, const double* b, int64_t begin, int64_t end) {
  return product_sum_body(a, b, begin, end);
}

}  // namespace lm::kernels
