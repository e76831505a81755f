// Convolutions with their neighbours, as evaluations run them, against float64.
#pragma once

#include <string>

#include "check/convolutions/shapes.h"
#include "core/kernels/cpu/convolutions/direct.h"

namespace lm {

// Those that are fused: channels on both sides of what a vector holds, joined groups, odd sizes.
Shape draw_fused(uint64_t seed, uint64_t i);
// With neighbours drawn too, images that are slices, and several threads, which must give the same bits.
std::string tried_fused(uint64_t seed, uint64_t i, const cpu::DirectSet& set);

}  // namespace lm
