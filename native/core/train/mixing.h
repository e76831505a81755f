// Mixup and CutMix of a batch with its own reverse, on the device: timm's Mixup in mode "batch".
#pragma once

#include <cstdint>
#include <span>

#include "core/rng.h"
#include "core/value.h"

namespace lm {

struct MixingSpec {
  double mixup = 0, cutmix = 0;  // alpha of Beta(alpha, alpha); 0: never
  double switch_prob = 0.5;      // of CutMix where both are on

  bool mixes() const { return mixup > 0 || cutmix > 0; }

  static MixingSpec parse(const Value& spec);
};

// Of images: rows top .. bottom - 1, columns left .. right - 1.
struct Rectangle {
  int64_t top = 0, bottom = 0, left = 0, right = 0;
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

// As Kernels::mix_images reads it: 5 numbers.
void write(const Mix& mix, std::span<double> into);

}  // namespace lm
