// Numbers put in the orders that tiles are read in (tiles.h); included where an instruction set is switched
// on.
#pragma once

#include <utility>

#include "core/kernels/cpu/tiles/tiles.h"

#define LM_INLINE inline __attribute__((always_inline))

namespace lm::cpu {
namespace {

typedef float Floats __attribute__((vector_size(64)));
typedef int32_t Ints __attribute__((vector_size(64)));
typedef uint32_t Words __attribute__((vector_size(64)));
typedef uint16_t Halves __attribute__((vector_size(32)));

template <typename Vector>
LM_INLINE Vector load(const void* from) {
  Vector v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

template <typename Vector>
LM_INLINE void store(void* to, Vector v) {
  __builtin_memcpy(to, &v, sizeof v);
}

LM_INLINE Floats widened(Halves v) { return (Floats)(__builtin_convertvector(v, Words) << 16); }

// Pairs of positions of sixteen channels.
LM_INLINE Words paired(const TilePositions& d, int64_t position, int64_t channel) {
  const auto at = [&](int64_t p) {
    const Halves zero = {};
    return p < d.positions ? load<Halves>(d.from + p * d.step + channel) : zero;
  };
  return __builtin_convertvector(at(position), Words) | __builtin_convertvector(at(position + 1), Words)
                                                            << 16;
}

LM_INLINE void pair_positions(const TilePositions& d) {
  for (int64_t c = 0; c < d.channels; c += kTile) {
    Bfloat16* const to = d.to + c * d.length;
    for (int64_t p = 0; p < d.length; p += 2) store(to + p * kTile, paired(d, p, c));
  }
}

// Of vectors that lie kApart from each other, every second kApart numbers change places.
template <int kApart, int... k>
LM_INLINE void exchange(Words (&v)[16], std::integer_sequence<int, k...>) {
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) {
    if (i & kApart) continue;
    const Words a = v[i], b = v[i + kApart];
    v[i] = __builtin_shuffle(a, b, Words{(k & kApart ? 16 + k - kApart : k)...});
    v[i + kApart] = __builtin_shuffle(a, b, Words{(k & kApart ? 16 + k : k + kApart)...});
  }
}

// Sixteen vectors of sixteen, rows for columns.
LM_INLINE void transpose_words(Words (&v)[16]) {
  constexpr std::make_integer_sequence<int, 16> numbers;
  exchange<1>(v, numbers);
  exchange<2>(v, numbers);
  exchange<4>(v, numbers);
  exchange<8>(v, numbers);
}

// Panels of sixteen rows, [numbers / 32, 16, 16, 2], with zeros behind the last number.
LM_INLINE void panels_of_rows(const Bfloat16* from, int64_t row, int64_t numbers, Bfloat16* to) {
  for (int64_t k = 0; k < numbers; k += kDepth, to += kPanel) {
    Words v[16];
    if (k + kDepth <= numbers) {
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) v[i] = load<Words>(from + i * row + k);
    } else {
      for (int i = 0; i < 16; ++i) {
        v[i] = Words{};
        __builtin_memcpy(&v[i], from + i * row + k,
                         static_cast<unsigned long>(numbers - k) * sizeof(Bfloat16));
      }
    }
    transpose_words(v);
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) store(to + i * 2 * kTile, v[i]);
  }
}

LM_INLINE void transpose_positions(const TilePositions& d) {
  for (int64_t p = 0; p < d.length; p += kDepth)
    for (int64_t c = 0; c < d.channels; c += kTile) {
      Words v[16];
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) v[i] = paired(d, p + 2 * i, c);
      transpose_words(v);
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) store(d.to + (c + i) * d.length + p, v[i]);
    }
}

}  // namespace
}  // namespace lm::cpu
