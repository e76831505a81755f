// The operations of timm's policies: what a magnitude comes to in each, in timm's arithmetic.
#pragma once

#include <string_view>

#include "data/pictures/affine.h"
#include "data/transforms/ops.h"

namespace lm {

// What an operation acts on: the scratch's image, at a magnitude of 0 to 10 (or beyond).
struct AugmentCall {
  TransformScratch& s;
  Rng& rng;
  double magnitude;
  double farthest;  // of translations at magnitude 10, as part of the side
  Reading how;

  double level() const { return magnitude / 10; }
  double either_sign(double value) { return rng.below(2) == 1 ? -value : value; }
};

struct AugmentRow {
  std::string_view name;
  void (*apply)(AugmentCall&);
};

const AugmentRow& augment_row(std::string_view name);

}  // namespace lm
