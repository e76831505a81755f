// Tiles by AVX-512, which multiplies pairs of bfloat16.

#include "core/kernels/cpu/tiles/tiles.h"

#ifdef LM_TILES
#include <immintrin.h>

#include <utility>

#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")
#include "core/kernels/cpu/tiles/loops.h"

namespace lm::cpu {
namespace {

struct Avx512 : OneTile<Avx512> {
  static LM_INLINE Halves narrow(Floats v) { return (Halves)_mm512_cvtneps_pbh((__m512)v); }

  // Sixteen rows of sums are as many registers.
  static __attribute__((noinline)) void multiply_one(const Steps& s, const Bfloat16* a, const Bfloat16* b,
                                                     float* c, bool add) {
    __m512 sums[kTile];
#pragma GCC unroll 16
    for (int r = 0; r < kTile; ++r) sums[r] = add ? _mm512_loadu_ps(c + r * kTile) : _mm512_setzero_ps();
    for (int64_t o = 0; o < s.outer; ++o)
      for (int64_t i = 0; i < s.inner; ++i)
        for (int64_t k = 0; k < kDepth; k += 2, b += 2 * kTile) {
          const auto row = (__m512bh)_mm512_loadu_si512(b);
          const Bfloat16* const from = a + o * s.outer_step + i * kDepth + k;
#pragma GCC unroll 16
          for (int r = 0; r < kTile; ++r) {
            int pair;
            __builtin_memcpy(&pair, from + r * s.a_row, sizeof pair);
            sums[r] = _mm512_dpbf16_ps(sums[r], (__m512bh)_mm512_set1_epi32(pair), row);
          }
        }
#pragma GCC unroll 16
    for (int r = 0; r < kTile; ++r) _mm512_storeu_ps(c + r * kTile, sums[r]);
  }
};

}  // namespace

bool has_tiles_avx512() {
  return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

LM_TILE_LOOPS(avx512, Avx512)

}  // namespace lm::cpu
#endif
