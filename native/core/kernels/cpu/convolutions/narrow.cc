// Convolutions with a window of three columns whose groups are narrower than a register, each with as many
// filters as channels, as ResNeXt's: a register holds the filters of several groups, and every channel is
// spread over those of its group. And the gradient of their weights.

#include "core/kernels/cpu/convolutions/direct.h"
#include "core/kernels/cpu/convolutions/vectors.h"

namespace lm::cpu {
namespace {

constexpr int kColumns = 3;

// Channel c of each group, at all filters of the group: register k of the sixteen channels at `from`.
template <int kNumbers, int kGroup>
LM_INLINE typename Register<kNumbers>::Type spread(const float* from, int k, int c) {
  using R = Register<kNumbers>;
  if constexpr (kNumbers <= kGroup) {
    return from[k * kNumbers / kGroup * kGroup + c] - typename R::Type{};  // + would be an addition: of -0
  } else {
    typename R::Places places;
    for (int l = 0; l < kNumbers; ++l) places[l] = l / kGroup * kGroup + c;
    return __builtin_shuffle(R::load(from + k * kNumbers), places);
  }
}

// kPixels neighbours of row y of the result from pixel p, of output channels from f.
template <int kNumbers, int kPixels, int kStride, int kGroup>
LM_INLINE void tile(const DirectRows& r, const float* weight, int64_t y, int64_t p, int64_t f) {
  using R = Register<kNumbers>;
  constexpr int kRegisters = kLanes / kNumbers;
  typename R::Type sums[kPixels][kRegisters];
  const float* x = r.x.first + y * r.stride_height * r.x.row + p * kStride * r.x.step + f;
#pragma GCC unroll 4
  for (int k = 0; k < kRegisters; ++k) {
#pragma GCC unroll 8
    for (int q = 0; q < kPixels; ++q) sums[q][k] = R::load(r.bias + f + k * kNumbers);
    for (int64_t i = 0; i < r.kernel_height; ++i) {
      const float *from = x + i * r.x.row, *w = weight + i * kColumns * kGroup * kLanes + k * kNumbers;
#pragma GCC unroll 16
      for (int q = 0; q < (kPixels - 1) * kStride + kColumns; ++q, from += r.x.step)
#pragma GCC unroll 8
        for (int c = 0; c < kGroup; ++c) {
          const auto z = spread<kNumbers, kGroup>(from, k, c);
#pragma GCC unroll 3
          for (int j = 0; j < kColumns; ++j) {
            const int pixel = (q - j) / kStride;
            if (q >= j && (q - j) % kStride == 0 && pixel < kPixels)
              sums[pixel][k] += R::load(w + (j * kGroup + c) * kLanes) * z;
          }
        }
    }
  }
  for (int q = 0; q < kPixels; ++q) Result<kNumbers>::write(r, sums[q], y, p + q, f);
}

template <int kNumbers, int kPixels, int kStride, int kGroup>
LM_INLINE void all_rows(const DirectRows& r) {
  const int64_t block = r.kernel_height * kColumns * kGroup * kLanes;
  const float* weight = r.weight;
  for (int64_t f = 0; f < r.filters; f += kLanes, weight += block)
    for (int64_t y = 0; y < r.rows; ++y) {
      int64_t p = 0;
      for (; p + kPixels <= r.width; p += kPixels)
        tile<kNumbers, kPixels, kStride, kGroup>(r, weight, y, p, f);
      for (; p < r.width; ++p) tile<kNumbers, 1, kStride, kGroup>(r, weight, y, p, f);
    }
}

template <int kNumbers, int kPixels>
LM_INLINE void narrow(const DirectRows& r) {
  if (r.channels == 4)
    r.stride_width == 1 ? all_rows<kNumbers, kPixels, 1, 4>(r) : all_rows<kNumbers, kPixels, 2, 4>(r);
  else
    r.stride_width == 1 ? all_rows<kNumbers, kPixels, 1, 8>(r) : all_rows<kNumbers, kPixels, 2, 8>(r);
}

// Sums of one row of the window, of channels c to c + 4 of the groups: down a row of the result.
template <int kNumbers, int kStride, int kGroup>
LM_INLINE void some_sums(const NarrowGradient& n, const float* x, const float* grad, int k, int c,
                         float* sums) {
  using R = Register<kNumbers>;
  constexpr int kChannels = 4;
  typename R::Type s[kColumns][kChannels];
  set_zero(s);
  for (int64_t p = 0; p < n.width; ++p, x += kStride * n.x.step, grad += n.grad.step) {
    const auto g = R::load(grad + k * kNumbers);
#pragma GCC unroll 3
    for (int j = 0; j < kColumns; ++j)
#pragma GCC unroll 4
      for (int i = 0; i < kChannels; ++i) s[j][i] += g * spread<kNumbers, kGroup>(x + j * n.x.step, k, c + i);
  }
  for (int j = 0; j < kColumns; ++j)
    for (int i = 0; i < kChannels; ++i) {
      float* to = sums + (j * kGroup + c + i) * kLanes + k * kNumbers;
      R::store(to, R::load(to) + s[j][i]);
    }
}

template <int kNumbers, int kStride, int kGroup>
LM_INLINE void all_sums(const NarrowGradient& n) {
  for (int64_t f = 0; f < n.filters; f += kLanes)
    for (int64_t i = 0; i < n.kernel_height; ++i) {
      float* sums = n.sums + (f / kLanes * n.kernel_height + i) * kColumns * kGroup * kLanes;
      for (int64_t y = 0; y < n.rows; ++y)
        for (int k = 0; k < kLanes / kNumbers; ++k)
          for (int c = 0; c < kGroup; c += 4)
            some_sums<kNumbers, kStride, kGroup>(n, n.x.first + (y * n.stride_height + i) * n.x.row + f,
                                                 n.grad.first + y * n.grad.row + f, k, c, sums);
    }
}

template <int kNumbers>
LM_INLINE void gradient(const NarrowGradient& n) {
  if (n.channels == 4)
    n.stride_width == 1 ? all_sums<kNumbers, 1, 4>(n) : all_sums<kNumbers, 2, 4>(n);
  else
    n.stride_width == 1 ? all_sums<kNumbers, 1, 8>(n) : all_sums<kNumbers, 2, 8>(n);
}

}  // namespace

#ifdef LM_AVX512
LM_AVX512 void narrow_avx512(const DirectRows& r) { narrow<16, 7>(r); }
LM_AVX512 void narrow_gradient_avx512(const NarrowGradient& n) { gradient<16>(n); }
LM_AVX2 void narrow_avx2(const DirectRows& r) { narrow<8, 4>(r); }
LM_AVX2 void narrow_gradient_avx2(const NarrowGradient& n) { gradient<8>(n); }
#endif
void narrow_any(const DirectRows& r) { narrow<4, 2>(r); }
void narrow_gradient_any(const NarrowGradient& n) { gradient<4>(n); }

}  // namespace lm::cpu
