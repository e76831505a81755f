// Convolutions of training by our own loops, against float64.
#pragma once

#include <string>

#include "check/convolutions/shapes.h"
#include "core/kernels/cpu/convolutions/direct.h"

namespace lm {

// Those that have loops: several groups, odd sizes, one piece of the weights' gradient and many.
Shape draw_training(uint64_t seed, uint64_t i);
// With several threads, which must give the same bits.
std::string tried_training(uint64_t seed, uint64_t i, const cpu::DirectSet& set);

}  // namespace lm
