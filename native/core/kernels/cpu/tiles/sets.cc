#include "core/kernels/cpu/sets.h"

#include "core/kernels/cpu/tiles/tiles.h"

namespace lm::cpu {

#define LM_TILE_SET(set, is_fast) \
  {#set,                          \
   has_tiles_##set,               \
   is_fast,                       \
   tile_copy_##set,               \
   tile_convolve_##set,           \
   tile_transpose_##set,          \
   tile_pair_##set,               \
   tile_panels_##set,             \
   tile_weights_##set}

std::span<const TileSet> tile_sets() {
  static constexpr TileSet sets[]{
#ifdef LM_TILES
      LM_TILE_SET(amx, true),
      LM_TILE_SET(avx512, false),
#endif
      LM_TILE_SET(any, false),
  };
  return sets;
}

const TileSet& tile_set() {
  static const TileSet& best = first_here(tile_sets());
  return best;
}

}  // namespace lm::cpu
