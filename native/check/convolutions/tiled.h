// Convolutions of training in bfloat16 by our own loops, against float64.
#pragma once

#include <string>

#include "check/convolutions/shapes.h"
#include "core/kernels/cpu/tiles/tiles.h"

namespace lm {

// Those that have loops: windows of several sizes that move by one or more, groups, odd sizes.
Shape draw_tiled(uint64_t seed, uint64_t i);
// Of one type and the other, with several threads, which must give the same bits.
std::string tried_tiled(uint64_t seed, uint64_t i, const cpu::TileSet& set);

}  // namespace lm
