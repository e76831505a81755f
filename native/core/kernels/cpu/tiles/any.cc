// Tiles by no instruction in particular: slow, and what others are compared with.

#include "core/kernels/cpu/tiles/loops.h"

namespace lm::cpu {
namespace {

struct Any : OneTile<Any> {
  // To nearest, ties to even; what is no number stays so.
  static LM_INLINE Halves narrow(Floats v) {
    const Words bits = (Words)v, odd = bits >> 16 & 1;
    const Words rounded = (bits + 0x7fff + odd) >> 16, kept = bits >> 16 | 0x40;
    return __builtin_convertvector(v == v ? rounded : kept, Halves);
  }

  static void multiply_one(const Steps& s, const Bfloat16* a, const Bfloat16* b, float* c, bool add) {
    const Floats zero = {};
    for (int r = 0; r < kTile; ++r) {
      Floats sum = add ? load<Floats>(c + r * kTile) : zero;
      const Bfloat16* column = b;
      for (int64_t o = 0; o < s.outer; ++o)
        for (int64_t k = 0; k < s.inner * kDepth; k += 2, column += 2 * kTile) {
          const Bfloat16* const from = a + r * s.a_row + o * s.outer_step + k;
          const auto pairs = load<Words>(column);
          sum += (Floats)(pairs << 16) * wide(from[0]) + (Floats)(pairs & 0xffff0000U) * wide(from[1]);
        }
      store(c + r * kTile, sum);
    }
  }
};

}  // namespace

bool has_tiles_any() { return true; }

LM_TILE_LOOPS(any, Any)

}  // namespace lm::cpu
