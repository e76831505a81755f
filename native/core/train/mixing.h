// Mixup and CutMix of a batch with its own reverse, on the device: timm's Mixup in mode "batch".
#pragma once

#include <ATen/ATen.h>

#include "core/rng.h"
#include "core/value.h"

namespace lm {

struct MixingSpec {
  double mixup = 0, cutmix = 0;  // alpha of Beta(alpha, alpha); 0: never
  double switch_prob = 0.5;      // of CutMix where both are on

  static MixingSpec parse(const Value& spec);
};

// What is drawn for a batch. Image i becomes lambda of itself and 1 - lambda of image n - 1 - i: everywhere
// (Mixup), or cut into rows top .. bottom - 1 and columns left .. right - 1 (CutMix).
struct Mix {
  double lambda = 1;
  bool cut = false;
  int64_t top = 0, bottom = 0, left = 0, right = 0;
};

// `probability`: of mixing at all.
Mix draw_mixing(const MixingSpec& spec, double probability, int64_t height, int64_t width, Rng rng);

// x [n, c, h, w] mixed in place.
void apply(const Mix& mix, at::Tensor& x);

}  // namespace lm
