// The gradient of 3 x 3 weights by Winograd's algorithm: that of the formula at the top of winograd.cc.
//   D = A g A^T of every 2 x 2 of the result's gradient g,  S = sum over tiles of D V,  dw = G^T S G
// And the weights that the algorithm takes, U = G w G^T.

#include "core/kernels/cpu/convolutions/direct.h"
#include "core/kernels/cpu/convolutions/products.h"
#include "core/kernels/cpu/convolutions/winograd.h"

namespace lm::cpu {
namespace {

// U of sixteen filters and one channel, from taps that lie `tap` numbers apart.
template <int kNumbers>
LM_INLINE void transform_weight(const float* taps, int64_t tap, float* to, int64_t plane) {
  using R = Register<kNumbers>;
  for (int64_t k = 0; k < kLanes; k += kNumbers) {
    typename R::Type g[4][3];
    for (int j = 0; j < 3; ++j) {
      const auto a = R::load(taps + j * tap + k), b = R::load(taps + (3 + j) * tap + k),
                 c = R::load(taps + (6 + j) * tap + k);
      g[0][j] = a, g[1][j] = (a + b + c) * 0.5F, g[2][j] = (a - b + c) * 0.5F, g[3][j] = c;
    }
    for (int p = 0; p < 4; ++p) {
      float* const places = to + 4 * p * plane + k;
      R::store(places, g[p][0]);
      R::store(places + plane, (g[p][0] + g[p][1] + g[p][2]) * 0.5F);
      R::store(places + 2 * plane, (g[p][0] - g[p][1] + g[p][2]) * 0.5F);
      R::store(places + 3 * plane, g[p][2]);
    }
  }
}

template <int kNumbers>
LM_INLINE void weights(const WinogradWeights& w) {
  const int64_t plane = w.channels * kLanes;
  if (w.turned) {
    for (int64_t c = 0; c < w.channels; ++c)
      transform_weight<kNumbers>(w.weight + 8 * w.tap + c * w.channel, -w.tap, w.to + c * kLanes, plane);
    return;
  }
  constexpr int64_t kSome = 8;  // channels that are put in the order of filters at a time
  float taps[kSome][9][kLanes];
  for (int64_t c = 0; c < w.channels; c += kSome) {
    for (int64_t f = 0; f < kLanes; ++f)
      for (int64_t tap = 0; tap < 9; ++tap) {
        const float* from = w.weight + f * w.filter + tap * w.tap + c;
        for (int64_t i = 0; i < kSome; ++i) taps[i][tap][f] = from[i];
      }
    for (int64_t i = 0; i < kSome; ++i)
      transform_weight<kNumbers>(taps[i][0], kLanes, w.to + (c + i) * kLanes, plane);
  }
}

// A g A^T of the tile whose first pixel is (y, p), some of its filters; no gradient is behind the last.
template <int kNumbers>
LM_INLINE void transform_gradient(const WinogradTiles& w, int64_t y, int64_t p, int64_t f, float* to) {
  using R = Register<kNumbers>;
  typename R::Type g[2][2], a[4][2];
  set_zero(g);
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 2; ++j)
      if (y + i < w.rows && p + j < w.width)
        g[i][j] = R::load(w.grad.first + (y + i) * w.grad.row + (p + j) * w.grad.step + f);
  for (int j = 0; j < 2; ++j) {
    a[0][j] = g[0][j], a[1][j] = g[0][j] + g[1][j], a[2][j] = g[0][j] - g[1][j], a[3][j] = -g[1][j];
  }
  for (int i = 0; i < 4; ++i) {
    float* const places = to + 4 * i * w.d_plane;
    R::store(places, a[i][0]);
    R::store(places + w.d_plane, a[i][0] + a[i][1]);
    R::store(places + 2 * w.d_plane, a[i][0] - a[i][1]);
    R::store(places + 3 * w.d_plane, -a[i][1]);
  }
}

template <int kNumbers>
LM_INLINE void tiles(const WinogradTiles& w) {
  float *v = w.v, *d = w.d;
  for (int64_t y = 0; y < w.rows; y += 2)
    for (int64_t p = 0; p < w.width; p += 2, v += w.channels, d += w.filters) {
      const float* x = w.x.first + y * w.x.row + p * w.x.step;
      for (int64_t c = 0; c < w.channels; c += kNumbers)
        transform_input<kNumbers>(x + c, w.x.step, w.x.row, v + c, w.v_plane);
      for (int64_t f = 0; f < w.filters; f += kNumbers) transform_gradient<kNumbers>(w, y, p, f, d + f);
    }
}

template <int kNumbers, int kFilters>
LM_INLINE void products(const WinogradProducts& w) {
  float* sums = w.sums;
  for (int64_t place = 0; place < kPlaces; ++place)
    for (int64_t f = 0; f < w.filters; f += kLanes)
      for (int64_t c = 0; c < w.channels; c += kLanes, sums += kLanes * kLanes)
        add_all_products<kNumbers, kFilters>(w.v + place * w.v_plane + c, w.channels,
                                             w.d + place * w.d_plane + f, w.filters, w.tiles, sums, kLanes);
}

template <int kNumbers>
LM_INLINE void sums(const WinogradSums& w) {
  using R = Register<kNumbers>;
  for (int64_t f = 0; f < kLanes; ++f)
    for (int64_t k = 0; k < kLanes; k += kNumbers) {
      typename R::Type s[4][4], half[3][4];
      set_zero(s);
      for (int64_t piece = 0; piece < w.pieces; ++piece)
        for (int p = 0; p < 16; ++p)
          s[p / 4][p % 4] += R::load(w.sums + piece * w.piece + p * w.place + f * kLanes + k);
      for (int q = 0; q < 4; ++q) {
        const auto plus = (s[1][q] + s[2][q]) * 0.5F, minus = (s[1][q] - s[2][q]) * 0.5F;
        half[0][q] = s[0][q] + plus, half[1][q] = minus, half[2][q] = s[3][q] + plus;
      }
      for (int i = 0; i < 3; ++i) {
        const auto plus = (half[i][1] + half[i][2]) * 0.5F, minus = (half[i][1] - half[i][2]) * 0.5F;
        float* const row = w.weight + f * w.filter + 3 * i * w.tap + k;
        R::store(row, R::load(row) + (half[i][0] + plus));
        R::store(row + w.tap, R::load(row + w.tap) + minus);
        R::store(row + 2 * w.tap, R::load(row + 2 * w.tap) + (half[i][3] + plus));
      }
    }
}

}  // namespace

#ifdef LM_AVX512
LM_AVX512 void winograd_weights_avx512(const WinogradWeights& w) { weights<16>(w); }
LM_AVX512 void winograd_tiles_avx512(const WinogradTiles& w) { tiles<16>(w); }
LM_AVX512 void winograd_products_avx512(const WinogradProducts& w) { products<16, 16>(w); }
LM_AVX512 void winograd_sums_avx512(const WinogradSums& w) { sums<16>(w); }
LM_AVX2 void winograd_weights_avx2(const WinogradWeights& w) { weights<8>(w); }
LM_AVX2 void winograd_tiles_avx2(const WinogradTiles& w) { tiles<8>(w); }
LM_AVX2 void winograd_products_avx2(const WinogradProducts& w) { products<8, 6>(w); }
LM_AVX2 void winograd_sums_avx2(const WinogradSums& w) { sums<8>(w); }
#endif
void winograd_weights_any(const WinogradWeights& w) { weights<4>(w); }
void winograd_tiles_any(const WinogradTiles& w) { tiles<4>(w); }
void winograd_products_any(const WinogradProducts& w) { products<4, 2>(w); }
void winograd_sums_any(const WinogradSums& w) { sums<4>(w); }

}  // namespace lm::cpu
