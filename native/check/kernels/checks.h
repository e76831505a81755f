// The checks that kernels.cc makes of one random case, where they are in files of their own.
#pragma once

#include "check/kernels/case.h"

namespace lm {

// Linear combinations, forwards and backwards.
void check_combine(Case& c);
void check_combine_images(Case& c);
void check_combine_backward(Case& c);
void check_dot(Case& c);

// Sets of random tensors, moved by the kernels and, in float64 and tensor by tensor, by libtorch.
void check_updates(Case& c);

}  // namespace lm
