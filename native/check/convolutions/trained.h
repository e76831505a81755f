// Convolutions of training by our own loops, against float64.
#pragma once

#include <string>

#include "check/convolutions/convolved.h"
#include "core/kernels/cpu/convolutions/direct.h"

namespace lm {

// A norm that x is read through, or none.
struct Through {
  at::Tensor mean, invstd, weight, bias;
  bool relu = false;

  bool is_there() const { return mean.defined(); }
};

Through draw_norm(Rng& rng, int64_t channels);
// x becomes what is convolved, with the size that it has where nothing is to cancel.
void apply(const Through& through, Numbers& numbers);

// Those that have loops: several groups, odd sizes, one piece of the weights' gradient and many.
Shape draw_training(uint64_t seed, uint64_t i);
// With several threads, which must give the same bits.
std::string tried_training(uint64_t seed, uint64_t i, const cpu::DirectSet& set);

}  // namespace lm
