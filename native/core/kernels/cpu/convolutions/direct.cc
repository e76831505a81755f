#include "core/kernels/cpu/convolutions/direct.h"

#include "core/kernels/cpu/convolutions/vectors.h"

namespace lm::cpu {
namespace {

// kPixels neighbours of row y of the result from pixel p, of output channels from f.
template <int kNumbers, int kPixels>
LM_INLINE void tile(const DirectRows& r, const float* weight, int64_t y, int64_t p, int64_t f) {
  using R = Register<kNumbers>;
  constexpr int kRegisters = kLanes / kNumbers;
  typename R::Type sums[kPixels][kRegisters], w[kRegisters];
  for (int q = 0; q < kPixels; ++q)
    for (int v = 0; v < kRegisters; ++v) sums[q][v] = R::load(r.bias + f + v * kNumbers);
  const int64_t step = r.stride_width * r.x.step;
  const float* x = r.x.first + y * r.stride_height * r.x.row + p * step;
  for (int64_t i = 0; i < r.kernel_height; ++i)
    for (int64_t j = 0; j < r.kernel_width; ++j) {
      const float* from = x + i * r.x.row + j * r.x.step;
#pragma GCC unroll 4
      for (int64_t c = 0; c < r.channels; ++c, weight += kLanes) {
        __builtin_prefetch(weight + kAhead);
        for (int v = 0; v < kRegisters; ++v) w[v] = R::load(weight + v * kNumbers);
        for (int q = 0; q < kPixels; ++q)
          for (int v = 0; v < kRegisters; ++v) sums[q][v] += w[v] * from[q * step + c];
      }
    }
  for (int q = 0; q < kPixels; ++q) Result<kNumbers>::write(r, sums[q], y, p + q, f);
}

// `count` pixels, kMost at most.
template <int kNumbers, int kMost>
LM_INLINE void tile_of(int64_t count, const DirectRows& r, const float* weight, int64_t y, int64_t p,
                       int64_t f) {
  if (kMost == 1 || count == kMost) return tile<kNumbers, kMost>(r, weight, y, p, f);
  if constexpr (kMost > 1) tile_of<kNumbers, kMost - 1>(count, r, weight, y, p, f);
}

// Tiles of a row have about as many pixels each: few would not keep the multipliers at work.
template <int kNumbers, int kPixels>
LM_INLINE void all_rows(const DirectRows& r) {
  const int64_t block = r.kernel_height * r.kernel_width * r.channels * kLanes;
  const int64_t tiles = (r.width + kPixels - 1) / kPixels, least = r.width / tiles, larger = r.width % tiles;
  const float *weight = r.weight, *next = r.next;
  for (int64_t f = 0; f < r.filters; f += kLanes, weight += block)
    for (int64_t y = 0; y < r.rows; ++y)
      for (int64_t t = 0, p = 0, count; t < tiles; ++t, p += count) {
        for (int64_t i = 0; i < r.ahead; i += kLanes) __builtin_prefetch(next + i, 0, 2);
        next += r.ahead;
        count = least + (t < larger ? 1 : 0);
        tile_of<kNumbers, kPixels>(count, r, weight, y, p, f);
      }
}

template <int kNumbers>
LM_INLINE void copy_pixels(const DirectCopy& d) {
  using R = Register<kNumbers>;
  const typename R::Type zero = {};
  const int64_t vectors = d.channels / kNumbers * kNumbers;
  for (int64_t p = 0; p < d.pixels; ++p) {
    const float* x = d.x.first + p * d.x.step;
    float* to = d.to + p * d.step;
    for (int64_t c = 0; c < vectors; c += kNumbers) {
      typename R::Type v = R::load(x + c);
      if (d.scale != nullptr) v = v * R::load(d.scale + c) + R::load(d.shift + c);
      if (d.relu) v = v < zero ? zero : v;
      R::store(to + c, v);
    }
    for (int64_t c = vectors; c < d.channels; ++c) {
      float v = x[c];
      if (d.scale != nullptr) v = v * d.scale[c] + d.shift[c];
      to[c] = d.relu && v < 0 ? 0 : v;
    }
  }
}

}  // namespace

// As many pixels at a time as there are registers for.
#ifdef LM_AVX512
LM_AVX512 void convolve_avx512(const DirectRows& r) { all_rows<16, 8>(r); }
LM_AVX512 void copy_avx512(const DirectCopy& d) { copy_pixels<16>(d); }
LM_AVX2 void convolve_avx2(const DirectRows& r) { all_rows<8, 6>(r); }
LM_AVX2 void copy_avx2(const DirectCopy& d) { copy_pixels<8>(d); }
#endif
void convolve_any(const DirectRows& r) { all_rows<4, 2>(r); }
void copy_any(const DirectCopy& d) { copy_pixels<4>(d); }

}  // namespace lm::cpu
