#include "data/pictures/resample_rows.h"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__)
#define LM_AVX2 __attribute__((target("avx2")))
#include <immintrin.h>
#endif

namespace lm {
namespace {

constexpr int32_t kHalf = 1 << (kWeightBits - 1);

uint8_t to_level(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kWeightBits, 0, 255)); }

int32_t weight(const Taps& taps, size_t i) { return (taps.high[i] << kLowBits) + taps.low[i]; }

void across_plain(PixelRows in, int height, const Taps& taps, uint8_t* out) {
  for (int y = 0; y < height; ++y) {
    size_t first = 0;
    for (const int32_t start : taps.starts) {
      const uint8_t* from = in[y] + ptrdiff_t{start} * 4;
      int32_t sum[4] = {kHalf, kHalf, kHalf, kHalf};
      for (int t = 0; t < taps.count; ++t)
        for (int c = 0; c < 4; ++c) sum[c] += weight(taps, first + t) * from[4 * t + c];
      for (int c = 0; c < 4; ++c) *out++ = to_level(sum[c]);
      first += taps.count;
    }
  }
}

void down_plain(PixelRows in, int width, const Taps& taps, uint8_t* out) {
  size_t first = 0;
  for (const int32_t start : taps.starts) {
    for (ptrdiff_t i = 0; i < ptrdiff_t{width} * 4; ++i) {
      int32_t sum = kHalf;
      for (int t = 0; t < taps.count; ++t) sum += weight(taps, first + t) * in[start + t][i];
      *out++ = to_level(sum);
    }
    first += taps.count;
  }
}

#ifdef LM_AVX2
LM_AVX2 inline __m256i pair_at(const int16_t* weights) {
  int32_t both;
  std::memcpy(&both, weights, sizeof both);
  return _mm256_set1_epi32(both);
}

LM_AVX2 inline __m256i load16(const uint8_t* from) {
  return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}

// Sums of eight channels with the upper and the lower halves of the weights.
struct Sums {
  __m256i high, low;
};

LM_AVX2 inline Sums zero_sums() { return {_mm256_setzero_si256(), _mm256_set1_epi32(kHalf)}; }

// `pixels`: 16-bit numbers, those that belong to the two weights side by side.
LM_AVX2 inline void add(Sums& sums, __m256i pixels, __m256i high, __m256i low) {
  sums.high = _mm256_add_epi32(sums.high, _mm256_madd_epi16(pixels, high));
  sums.low = _mm256_add_epi32(sums.low, _mm256_madd_epi16(pixels, low));
}

LM_AVX2 inline __m256i levels_of(const Sums& sums) {
  return _mm256_srai_epi32(_mm256_add_epi32(_mm256_slli_epi32(sums.high, kLowBits), sums.low), kWeightBits);
}

// Two rows, one in either half of a register. Of four pixels, those of a pair become 16-bit numbers side by
// side, channel after channel.
LM_AVX2 inline void across_two(const uint8_t* a, const uint8_t* b, const Taps& taps, uint8_t* to_a,
                               uint8_t* to_b) {
  const __m256i first_pair =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, -1, 4, -1, 1, -1, 5, -1, 2, -1, 6, -1, 3, -1, 7, -1));
  const __m256i second_pair = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(8, -1, 12, -1, 9, -1, 13, -1, 10, -1, 14, -1, 11, -1, 15, -1));
  const int16_t *high = taps.high.data(), *low = taps.low.data();
  const int count = taps.count;
  for (const int32_t start : taps.starts) {
    Sums sums = zero_sums();
    for (int t = 0; t < count; t += kColumnsAtOnce) {
      const ptrdiff_t at = (ptrdiff_t{start} + t) * 4;
      const __m256i pixels = _mm256_inserti128_si256(
          _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a + at))),
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(b + at)), 1);
      add(sums, _mm256_shuffle_epi8(pixels, first_pair), pair_at(high + t), pair_at(low + t));
      add(sums, _mm256_shuffle_epi8(pixels, second_pair), pair_at(high + t + 2), pair_at(low + t + 2));
    }
    __m256i levels = _mm256_packs_epi32(levels_of(sums), levels_of(sums));
    levels = _mm256_packus_epi16(levels, levels);
    const int32_t pixel_a = _mm256_extract_epi32(levels, 0), pixel_b = _mm256_extract_epi32(levels, 4);
    std::memcpy(to_a, &pixel_a, 4);
    std::memcpy(to_b, &pixel_b, 4);
    to_a += 4;
    to_b += 4;
    high += count;
    low += count;
  }
}

LM_AVX2 void across_avx2(PixelRows in, int height, const Taps& taps, uint8_t* out) {
  const size_t bytes = taps.starts.size() * 4;
  for (int y = 0; y < height; y += 2) {
    uint8_t* to = out + bytes * static_cast<size_t>(y);
    const bool both = y + 1 < height;  // else the last row twice
    across_two(in[y], in[both ? y + 1 : y], taps, to, both ? to + bytes : to);
  }
}

// Output bytes i .. i + 15 of rows, as 16-bit numbers.
LM_AVX2 inline __m256i down_16(PixelRows in, ptrdiff_t i, const int16_t* high, const int16_t* low,
                               int count) {
  Sums even = zero_sums(), odd = zero_sums();
  int t = 0;
  for (; t + 1 < count; t += 2) {
    const __m256i a = load16(in[t] + i), b = load16(in[t + 1] + i), h = pair_at(high + t),
                  l = pair_at(low + t);
    add(even, _mm256_unpacklo_epi16(a, b), h, l);
    add(odd, _mm256_unpackhi_epi16(a, b), h, l);
  }
  if (t < count) {
    const __m256i a = load16(in[t] + i), none = _mm256_setzero_si256();
    const __m256i h = _mm256_set1_epi32(high[t] & 0xffff), l = _mm256_set1_epi32(low[t]);
    add(even, _mm256_unpacklo_epi16(a, none), h, l);
    add(odd, _mm256_unpackhi_epi16(a, none), h, l);
  }
  return _mm256_packs_epi32(levels_of(even), levels_of(odd));
}

// Rows are written in order: what is written behind one is overwritten by the next.
LM_AVX2 void down_avx2(PixelRows in, int width, const Taps& taps, uint8_t* out) {
  const ptrdiff_t bytes = ptrdiff_t{width} * 4;
  const int16_t *high = taps.high.data(), *low = taps.low.data();
  for (const int32_t start : taps.starts) {
    const PixelRows rows{in[start], in.stride};
    for (ptrdiff_t i = 0; i < bytes; i += 32) {
      const __m256i levels = _mm256_packus_epi16(down_16(rows, i, high, low, taps.count),
                                                 down_16(rows, i + 16, high, low, taps.count));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), _mm256_permute4x64_epi64(levels, 0xd8));
    }
    out += bytes;
    high += taps.count;
    low += taps.count;
  }
}
#endif

}  // namespace

void resample_across(PixelRows in, int height, const Taps& taps, uint8_t* out) {
#ifdef LM_AVX2
  if (__builtin_cpu_supports("avx2")) return across_avx2(in, height, taps, out);
#endif
  across_plain(in, height, taps, out);
}

void resample_down(PixelRows in, int width, const Taps& taps, uint8_t* out) {
#ifdef LM_AVX2
  if (__builtin_cpu_supports("avx2")) return down_avx2(in, width, taps, out);
#endif
  down_plain(in, width, taps, out);
}

}  // namespace lm
