// Mixup and CutMix of a batch with its own reverse, on the device: timm's Mixup in mode "batch".
#pragma once

#include <ATen/ATen.h>

#include "core/kernels/kernels.h"
#include "core/rng.h"
#include "core/value.h"

namespace lm {

struct MixingSpec {
  double mixup = 0, cutmix = 0;  // alpha of Beta(alpha, alpha); 0: never
  double switch_prob = 0.5;      // of CutMix where both are on

  static MixingSpec parse(const Value& spec);
};

// What is drawn for a batch. Image i becomes lambda of itself and 1 - lambda of image n - 1 - i: everywhere
// (Mixup), or in a box (CutMix).
struct Mix {
  double lambda = 1;
  bool cut = false;
  Rectangle box{};
};

// `probability`: of mixing at all.
Mix draw_mixing(const MixingSpec& spec, double probability, int64_t height, int64_t width, Rng rng);

// x [n, c, h, w] mixed in place.
void apply(const Mix& mix, const at::Tensor& x);

}  // namespace lm
