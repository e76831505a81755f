// The loops of the fused kernels over rows of channels, compiled for AVX2 beside the baseline and chosen at
// load time. A row is one pixel's channels; rows are taken `width` numbers at a time (several rows when there
// are few channels), so that every inner loop is long. Per-channel arrays are repeated to `width`.
#pragma once

#include <bit>
#include <cstdint>

namespace lm::cpu {

// A number of bfloat16 as it lies in memory: the upper half of one of float32, rounded to nearest.
struct Bfloat16 {
  uint16_t bits;
};

// Values as they are computed with.
inline float wide(float v) { return v; }
inline double wide(double v) { return v; }
inline float wide(Bfloat16 v) { return std::bit_cast<float>(static_cast<uint32_t>(v.bits) << 16); }

// Values are of type S, gradients that come in of type G; what is computed with them, and all that is given
// by channel, of type T.
template <typename T, typename S = T, typename G = S>
struct Rows {
  const S* x = nullptr;
  const G* grad = nullptr;
  const S* before = nullptr;  // what a gradient is added to, or null
  S* out = nullptr;
  int64_t width = 0;
  const T *scale = nullptr, *shift = nullptr;   // y = x * scale + shift
  T floor = 0;                                  // y is cut off below: 0 is relu, minus infinity is nothing
  const T* centre = nullptr;                    // statistics are taken of x - centre
  const T *slope = nullptr, *offset = nullptr;  // dx = scale * g - (x - centre) * slope - offset
};

// out = max(x * scale + shift, floor) for numbers begin to end.
void apply(const Rows<float>& r, int64_t begin, int64_t end);
void apply(const Rows<double>& r, int64_t begin, int64_t end);
void apply(const Rows<float, Bfloat16>& r, int64_t begin, int64_t end);

// first[j] += sum of (x - centre), second[j] += sum of its square.
void moments(const Rows<float>& r, int64_t begin, int64_t end, float* first, float* second);
void moments(const Rows<double>& r, int64_t begin, int64_t end, double* first, double* second);
void moments(const Rows<float, Bfloat16>& r, int64_t begin, int64_t end, float* first, float* second);

// With g = grad where x * scale + shift > floor: first[j] += sum of g, second[j] += sum of g (x - centre).
void gradient_sums(const Rows<float>& r, int64_t begin, int64_t end, float* first, float* second);
void gradient_sums(const Rows<double>& r, int64_t begin, int64_t end, double* first, double* second);
void gradient_sums(const Rows<float, Bfloat16>& r, int64_t begin, int64_t end, float* first, float* second);
void gradient_sums(const Rows<float, float, Bfloat16>& r, int64_t begin, int64_t end, float* first,
                   float* second);

// out = scale * g - (x - centre) * slope - offset + before; out may be grad or before.
void gradient(const Rows<float>& r, int64_t begin, int64_t end);
void gradient(const Rows<double>& r, int64_t begin, int64_t end);
void gradient(const Rows<float, Bfloat16>& r, int64_t begin, int64_t end);
void gradient(const Rows<float, float, Bfloat16>& r, int64_t begin, int64_t end);

// out = sum of c[k] u[k], k < count <= 4.
void combine_rows(const float* const* u, const float* c, int count, float* out, int64_t begin, int64_t end);
void combine_rows(const double* const* u, const double* c, int count, double* out, int64_t begin,
                  int64_t end);

void combine_rows(const Bfloat16* const* u, const float* c, int count, Bfloat16* out, int64_t begin,
                  int64_t end);

float product_sum(const float* a, const float* b, int64_t begin, int64_t end);
double product_sum(const double* a, const double* b, int64_t begin, int64_t end);
float product_sum(const Bfloat16* a, const Bfloat16* b, int64_t begin, int64_t end);

}  // namespace lm::cpu
