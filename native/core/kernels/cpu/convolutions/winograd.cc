// Convolutions of 3 x 3 with stride 1 by Winograd's minimal filtering F(2 x 2, 3 x 3): sixteen products make
// four results, which take thirty-six where they are computed as they are defined. (Lavin and Gray, Fast
// Algorithms for Convolutional Neural Networks, CVPR 2016, section 4.)
//   U = G w G^T,  V = B^T x B of every 4 x 4 of x,  M = sum over channels of U V,  out = A^T M A

#include "core/kernels/cpu/convolutions/winograd.h"

#include "core/kernels/cpu/convolutions/direct.h"
#include "core/kernels/cpu/convolutions/vectors.h"

namespace lm::cpu {
namespace {

// Where there are many channels, the weights of a place are read from afar: they are kept for more tiles,
// while those of the next place are fetched.
constexpr int64_t kManyChannels = 128, kManyTiles = 24;

// M of kTiles tiles and sixteen filters, one of the sixteen places. Weights are fetched from `ahead` on.
template <int kNumbers, int kTiles, bool kMany>
LM_INLINE void multiply(const float* v, const float* weight, int64_t channels, const float* ahead,
                        int64_t step, float* m) {
  using R = Register<kNumbers>;
  constexpr int kRegisters = kLanes / kNumbers;
  typename R::Type sums[kTiles][kRegisters], w[kRegisters];
  set_zero(sums);
#pragma GCC unroll 4
  for (int64_t c = 0; c < channels; ++c, weight += kLanes) {
    if constexpr (kMany)
      __builtin_prefetch(ahead + c * step, 0, 2);
    else
      __builtin_prefetch(weight + kAhead);
    for (int k = 0; k < kRegisters; ++k) w[k] = R::load(weight + k * kNumbers);
    for (int t = 0; t < kTiles; ++t)
      for (int k = 0; k < kRegisters; ++k) sums[t][k] += w[k] * v[t * channels + c];
  }
  for (int t = 0; t < kTiles; ++t)
    for (int k = 0; k < kRegisters; ++k) R::store(m + t * kLanes + k * kNumbers, sums[t][k]);
}

// A^T M A of one tile, sixteen filters from f, at row y and pixel p of the result.
template <int kNumbers>
LM_INLINE void transform_output(const DirectRows& r, const float* m, int64_t plane, int64_t y, int64_t p,
                                int64_t f) {
  using R = Register<kNumbers>;
  constexpr int kRegisters = kLanes / kNumbers;
  typename R::Type out[2][2][kRegisters];
  for (int k = 0; k < kRegisters; ++k) {
    typename R::Type s[2][4];
    for (int j = 0; j < 4; ++j) {
      const float* column = m + j * plane + k * kNumbers;
      const auto m1 = R::load(column + 4 * plane), m2 = R::load(column + 8 * plane);
      s[0][j] = R::load(column) + m1 + m2;
      s[1][j] = m1 - m2 - R::load(column + 12 * plane);
    }
    const auto bias = R::load(r.bias + f + k * kNumbers);
    for (int i = 0; i < 2; ++i) {
      out[i][0][k] = s[i][0] + s[i][1] + s[i][2] + bias;
      out[i][1][k] = s[i][1] - s[i][2] - s[i][3] + bias;
    }
  }
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 2; ++j)
      if (y + i < r.rows && p + j < r.width) Result<kNumbers>::write(r, out[i][j], y + i, p + j, f);
}

// Tiles at a time, of those that are left: kFewer where that leaves less over. Six and four make any even
// number.
template <int kTiles, int kFewer>
LM_INLINE int64_t next_tiles(int64_t left) {
  return (left > kFewer && left <= kTiles) || left > 2 * kFewer ? kTiles : kFewer;
}

// M of kTiles tiles, all places.
template <int kNumbers, int kTiles>
LM_INLINE void few_products(const float* v, int64_t plane, const float* weight, int64_t channels, float* m,
                            int64_t m_plane) {
  for (int64_t place = 0; place < kPlaces; ++place, weight += channels * kLanes)
    multiply<kNumbers, kTiles, false>(v + place * plane, weight, channels, nullptr, 0, m + place * m_plane);
}

// M of `count` tiles, all places.
template <int kNumbers, int kTiles, int kFewer>
LM_INLINE void many_products(const float* v, int64_t plane, const float* weight, int64_t channels,
                             int64_t count, float* m, int64_t m_plane) {
  const int64_t times = (count + kTiles - 1) / kTiles, step = kLanes / times;
  for (int64_t place = 0; place < kPlaces; ++place, weight += channels * kLanes, v += plane, m += m_plane) {
    const float* ahead = weight + channels * kLanes;
    for (int64_t t = 0, some; t < count; t += some, ahead += channels * step) {
      some = next_tiles<kTiles, kFewer>(count - t);
      const float* from = v + t * channels;
      if (some == kTiles)
        multiply<kNumbers, kTiles, true>(from, weight, channels, ahead, step, m + t * kLanes);
      else
        multiply<kNumbers, kFewer, true>(from, weight, channels, ahead, step, m + t * kLanes);
    }
  }
}

// `count` tiles that were put at v, which are those of the result from `first` on, of sixteen filters. What
// lies behind the last one is multiplied too.
template <int kNumbers, int kTiles, int kFewer, bool kMany>
LM_INLINE void all_products(const DirectRows& r, const float* v, int64_t plane, const float* weight,
                            int64_t first, int64_t count, int64_t f) {
  constexpr int64_t kPlane = (kMany ? kManyTiles : kTiles) * kLanes;
  const int64_t across = (r.width + 1) / 2;
  float m[kPlaces * kPlane];
  for (int64_t t = 0, some; t < count; t += some) {
    const float* from = v + t * r.channels;
    some = kMany ? kManyTiles : next_tiles<kTiles, kFewer>(count - t);
    const int64_t last = count - t < some ? count - t : some;
    if constexpr (kMany)
      many_products<kNumbers, kTiles, kFewer>(from, plane, weight, r.channels, last, m, kPlane);
    else if (some == kTiles)
      few_products<kNumbers, kTiles>(from, plane, weight, r.channels, m, kPlane);
    else
      few_products<kNumbers, kFewer>(from, plane, weight, r.channels, m, kPlane);
    for (int64_t i = 0; i < last; ++i)
      transform_output<kNumbers>(r, m + i * kLanes, kPlane, (first + t + i) / across * 2,
                                 (first + t + i) % across * 2, f);
  }
}

template <int kNumbers, int kTiles, int kFewer>
LM_INLINE void all_tiles(const DirectRows& r, float* scratch) {
  const int64_t across = (r.width + 1) / 2, tiles = across * ((r.rows + 1) / 2);
  const int64_t most = tiles_at_a_time(r.channels), plane = 2 * most * r.channels + kLanes;
  const int64_t times = tiles < most ? 1 : (tiles + most / 2) / most;  // with about as many tiles each
  for (int64_t time = 0; time < times; ++time) {
    const int64_t first = time * tiles / times, count = (time + 1) * tiles / times - first;
    for (int64_t t = 0; t < count; ++t) {
      const int64_t y = (first + t) / across * 2, p = (first + t) % across * 2;
      const float* x = r.x.first + y * r.x.row + p * r.x.step;
      for (int64_t c = 0; c < r.channels; c += kNumbers)
        transform_input<kNumbers>(x + c, r.x.step, r.x.row, scratch + t * r.channels + c, plane);
    }
    const float* weight = r.weight;
    for (int64_t f = 0; f < r.filters; f += kLanes, weight += kPlaces * r.channels * kLanes)
      if (r.channels < kManyChannels)
        all_products<kNumbers, kTiles, kFewer, false>(r, scratch, plane, weight, first, count, f);
      else
        all_products<kNumbers, kTiles, kFewer, true>(r, scratch, plane, weight, first, count, f);
  }
}

}  // namespace

#ifdef LM_AVX512
LM_AVX512 void winograd_avx512(const DirectRows& r, float* scratch) { all_tiles<16, 8, 8>(r, scratch); }
LM_AVX2 void winograd_avx2(const DirectRows& r, float* scratch) { all_tiles<8, 6, 4>(r, scratch); }
#endif
void winograd_any(const DirectRows& r, float* scratch) { all_tiles<4, 2, 2>(r, scratch); }

}  // namespace lm::cpu
