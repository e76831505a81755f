// Tiles of AMX, which multiplies two of them by one instruction.

#include "core/kernels/cpu/tiles/tiles.h"

#ifdef LM_TILES
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#pragma GCC target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")
#include "core/kernels/cpu/tiles/loops.h"

namespace lm::cpu {
namespace {

struct alignas(64) Configuration {
  uint8_t palette = 1, start = 0, reserved[14] = {};
  uint16_t bytes[16] = {};
  uint8_t rows[16] = {};
};

struct Amx {
  static LM_INLINE Halves narrow(Floats v) { return (Halves)_mm512_cvtneps_pbh((__m512)v); }

  static LM_INLINE void begin() {
    Configuration c;
    for (int i = 0; i < 8; ++i) {
      c.bytes[i] = 64;
      c.rows[i] = 16;
    }
    _tile_loadconfig(&c);
  }
  static LM_INLINE void end() { _tile_release(); }

  // Sums in tiles 0 to 3, a in 4 and 5, b in 6 and 7.
  template <int kRows, int kColumns>
  static LM_INLINE void multiply(const Steps& s, const Bfloat16* const* a, const Bfloat16* const* b,
                                 float* const* c, bool add) {
    constexpr int kSums = kRows * kColumns;
    constexpr int kBytes = 64;
    if (add) {
      _tile_loadd(0, c[0], kBytes);
      if constexpr (kSums > 1) _tile_loadd(1, c[1], kBytes);
      if constexpr (kSums > 2) _tile_loadd(2, c[2], kBytes);
      if constexpr (kSums > 3) _tile_loadd(3, c[3], kBytes);
    } else {
      _tile_zero(0);
      if constexpr (kSums > 1) _tile_zero(1);
      if constexpr (kSums > 2) _tile_zero(2);
      if constexpr (kSums > 3) _tile_zero(3);
    }
    const int64_t row = s.a_row * 2;
    int64_t at = 0;
    for (int64_t o = 0; o < s.outer; ++o)
      for (int64_t i = 0; i < s.inner; ++i, at += kPanel) {
        const int64_t from = o * s.outer_step + i * kDepth;
        _tile_loadd(6, b[0] + at, kBytes);
        _tile_loadd(4, a[0] + from, row);
        _tile_dpbf16ps(0, 4, 6);
        if constexpr (kColumns == 2) {
          _tile_loadd(7, b[1] + at, kBytes);
          _tile_dpbf16ps(1, 4, 7);
          if constexpr (kRows == 2) {
            _tile_loadd(5, a[1] + from, row);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
          }
        } else if constexpr (kRows > 1) {
          _tile_loadd(5, a[1] + from, row);
          _tile_dpbf16ps(1, 5, 6);
        }
        if constexpr (kRows == 4) {
          _tile_loadd(4, a[2] + from, row);
          _tile_dpbf16ps(2, 4, 6);
          _tile_loadd(5, a[3] + from, row);
          _tile_dpbf16ps(3, 5, 6);
        }
      }
    _tile_stored(0, c[0], kBytes);
    if constexpr (kSums > 1) _tile_stored(1, c[1], kBytes);
    if constexpr (kSums > 2) _tile_stored(2, c[2], kBytes);
    if constexpr (kSums > 3) _tile_stored(3, c[3], kBytes);
  }
};

// A process asks for the registers, and may be refused them.
bool may_use_tiles() {
  constexpr long kAsk = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kAsk, kTileData) == 0;
}

}  // namespace

bool has_tiles_amx() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kBf16 = 1U << 22, kTiles = 1U << 24;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d & kBf16) == 0 || (d & kTiles) == 0) return false;
  return has_tiles_avx512() && may_use_tiles();
}

LM_TILE_LOOPS(amx, Amx)

}  // namespace lm::cpu
#endif
