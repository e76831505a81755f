// The loops of tiles.h as templates of what multiplies tiles and rounds: an Engine, one for each instruction
// set. Included where that set is switched on.
#pragma once

#include "core/kernels/cpu/tiles/orders.h"

namespace lm::cpu {
namespace {

// Sums of tiles: what is multiplied lies a_row numbers from row to row of a, kDepth on for each of `inner`
// steps, and outer_step on for each of `outer` of these; tiles of b lie one after the other.
struct Steps {
  int64_t a_row = 0, outer = 1, outer_step = 0, inner = 1;
};

// An Engine that multiplies one tile after the other.
template <typename Engine>
struct OneTile {
  static LM_INLINE void begin() {}
  static LM_INLINE void end() {}

  template <int kRows, int kColumns>
  static LM_INLINE void multiply(const Steps& s, const Bfloat16* const* a, const Bfloat16* const* b,
                                 float* const* c, bool add) {
    for (int m = 0; m < kRows; ++m)
      for (int n = 0; n < kColumns; ++n) Engine::multiply_one(s, a[m], b[n], c[m * kColumns + n], add);
  }
};

// Sixteen numbers that lie side by side.
template <bool kHalf>
LM_INLINE Floats sixteen(const void* first, int64_t at) {
  if constexpr (kHalf) return widened(load<Halves>(static_cast<const Bfloat16*>(first) + at));
  return load<Floats>(static_cast<const float*>(first) + at);
}

template <typename Engine, bool kHalf>
LM_INLINE void copy_pixels(const TileCopy& d) {
  const Floats zero = {};
  for (int64_t p = 0; p < d.pixels; ++p)
    for (int64_t first = 0; first < d.channels; first += d.block) {
      const int64_t from = p * d.step + first;
      Bfloat16* const to = d.to + first / d.block * d.to_block + p * d.to_step;
      for (int64_t c = 0; c < d.block; c += kTile) {
        if (kHalf && d.scale == nullptr) {
          store(to + c, load<Halves>(static_cast<const Bfloat16*>(d.x) + from + c));
          continue;
        }
        Floats v = sixteen<kHalf>(d.x, from + c);
        if (d.scale != nullptr) v = v * load<Floats>(d.scale + first + c) + load<Floats>(d.shift + first + c);
        if (d.relu) v = v < zero ? zero : v;  // what is no number stays so
        store(to + c, Engine::narrow(v));
      }
    }
}

// Whole rows, where pixels lie side by side here and there.
template <typename Engine>
LM_INLINE void copy_all(const TileCopy& d) {
  const bool joined =
      d.scale == nullptr && d.step == d.channels && d.to_step == d.block && d.block == d.channels;
  if (!joined) return d.half ? copy_pixels<Engine, true>(d) : copy_pixels<Engine, false>(d);
  const int64_t numbers = d.pixels * d.channels;
  if (d.half) {
    __builtin_memcpy(d.to, d.x, static_cast<unsigned long>(numbers) * sizeof(Bfloat16));
    return;
  }
#pragma GCC unroll 4
  for (int64_t c = 0; c < numbers; c += kTile) store(d.to + c, Engine::narrow(sixteen<false>(d.x, c)));
}

// Tiles of sums, and where they go.
struct Results {
  const float* sums = nullptr;  // [rows, columns, 16, 16]
  int64_t rows = 0, columns = 0, first = 0, last = 0, filter = 0;
};

template <typename Engine, bool kHalf>
LM_INLINE void write_results(const TileRows& r, const Results& s) {
  int64_t y = s.first / r.pitch, x = s.first % r.pitch;
  for (int64_t q = s.first; q < s.last; ++q) {
    if (x < r.width) {
      const int64_t row = q - s.first;
      const float* from = s.sums + (row / kTile * s.columns * kTile + row % kTile) * kTile;
      const int64_t at = y * r.out_row + x * r.out_step + s.filter;
      for (int64_t n = 0; n < s.columns; ++n) {
        Floats v = load<Floats>(from + n * kTile * kTile);
        if (r.bias != nullptr) v += load<Floats>(r.bias + s.filter + n * kTile);
        if constexpr (kHalf)
          store(static_cast<Bfloat16*>(r.out) + at + n * kTile, Engine::narrow(v));
        else
          store(static_cast<float*>(r.out) + at + n * kTile, v);
      }
    }
    if (++x == r.pitch) x = 0, ++y;
  }
}

// Some windows of some filters after the others. What is stored is read a step later: nobody waits for it.
template <typename Engine>
class Windows {
 public:
  LM_INLINE explicit Windows(const TileRows& r)
      : r_(r),
        steps_(r.kernel_height * r.pieces),
        last_((r.rows - 1) * r.pitch + r.width),
        how_{.a_row = r.step, .outer = r.kernel_height, .outer_step = r.tap_row, .inner = r.pieces} {}

  // kRows * 16 windows or, at the end, sixteen.
  template <int kRows, int kColumns>
  LM_INLINE void some(int64_t q, int64_t filter) {
    if constexpr (kRows > 1)
      if (last_ - q <= (kRows - 1) * kTile) {
        for (; q < last_; q += kTile) some<1, kColumns>(q, filter);
        return;
      }
    const Bfloat16 *a[kRows], *b[kColumns];
    float* c[kRows * kColumns];
    for (int m = 0; m < kRows; ++m) a[m] = r_.x + (q + m * kTile) * r_.step;
    for (int n = 0; n < kColumns; ++n) b[n] = r_.weight + (filter / kTile + n) * steps_ * kPanel;
    for (int i = 0; i < kRows * kColumns; ++i) c[i] = sums_[turn_] + i * kTile * kTile;
    Engine::template multiply<kRows, kColumns>(how_, a, b, c, false);
    if (before_.sums != nullptr) write();
    const int64_t next = q + kRows * kTile;
    before_ = {sums_[turn_], kRows, kColumns, q, next < last_ ? next : last_, filter};
    turn_ ^= 1;
  }

  LM_INLINE void write() {
    r_.half ? write_results<Engine, true>(r_, before_) : write_results<Engine, false>(r_, before_);
  }

  LM_INLINE int64_t last() const { return last_; }

 private:
  alignas(64) float sums_[2][4 * kTile * kTile];
  const TileRows& r_;
  int64_t steps_, last_;
  Steps how_;
  Results before_{};
  int turn_ = 0;
};

// All filters of some windows, so that all of a pixel is written at about the same time, or all windows of
// some filters where there are more weights than a cache holds.
template <typename Engine>
LM_INLINE void convolve_rows(const TileRows& r) {
  constexpr int64_t kNearWeights = 1 << 18;
  Engine::begin();
  Windows<Engine> w(r);
  if (r.filters == kTile) {
    for (int64_t q = 0; q < w.last(); q += 4 * kTile) w.template some<4, 1>(q, 0);
  } else {
    const bool near = r.filters * r.kernel_height * r.pieces * kDepth <= kNearWeights;
    const int64_t outer = near ? w.last() : r.filters, inner = near ? r.filters : w.last();
    for (int64_t i = 0; i < outer; i += 2 * kTile)
      for (int64_t j = 0; j < inner; j += 2 * kTile) {
        const int64_t q = near ? i : j, f = near ? j : i;
        if (f + 2 * kTile <= r.filters)
          w.template some<2, 2>(q, f);
        else
          w.template some<2, 1>(q, f);
      }
  }
  w.write();
  Engine::end();
}

// Windows first to last of kColumns * 16 filters, kRows at a time.
template <typename Engine, int kRows, int kColumns>
LM_INLINE void weights_of(const TileWeights& w, int64_t filter, int64_t first, int64_t last) {
  const Steps how{.a_row = w.row, .inner = w.steps};
  const Bfloat16* b[kColumns];
  for (int n = 0; n < kColumns; ++n) b[n] = w.grad + (filter / kTile + n) * w.steps * kPanel;
  for (int64_t t = first; t + kRows <= last; t += kRows) {
    float* c[kRows * kColumns];
    for (int m = 0; m < kRows; ++m)
      for (int n = 0; n < kColumns; ++n)
        c[m * kColumns + n] = w.sums + ((filter / kTile + n) * w.windows + t + m) * kTile * kTile;
    Engine::template multiply<kRows, kColumns>(how, w.x + t, b, c, true);
  }
}

template <typename Engine>
LM_INLINE void all_weights(const TileWeights& w) {
  Engine::begin();
  int64_t f = 0;
  for (; f + 2 * kTile <= w.filters; f += 2 * kTile) {
    weights_of<Engine, 2, 2>(w, f, 0, w.windows);
    weights_of<Engine, 1, 2>(w, f, w.windows / 2 * 2, w.windows);
  }
  if (f < w.filters) {
    weights_of<Engine, 4, 1>(w, f, 0, w.windows);
    weights_of<Engine, 1, 1>(w, f, w.windows / 4 * 4, w.windows);
  }
  Engine::end();
}

#define LM_TILE_LOOPS(set, Engine)                                                           \
  void tile_copy_##set(const TileCopy& d) { copy_all<Engine>(d); }                           \
  void tile_convolve_##set(const TileRows& r) { convolve_rows<Engine>(r); }                  \
  void tile_transpose_##set(const TilePositions& d) { transpose_positions(d); }              \
  void tile_pair_##set(const TilePositions& d) { pair_positions(d); }                        \
  void tile_panels_##set(const Bfloat16* from, int64_t row, int64_t numbers, Bfloat16* to) { \
    panels_of_rows(from, row, numbers, to);                                                  \
  }                                                                                          \
  void tile_weights_##set(const TileWeights& w) { all_weights<Engine>(w); }

}  // namespace
}  // namespace lm::cpu
