// The scale of a float16 training's loss: gradients that are too small for float16 are kept by it. PyTorch's
// GradScaler, with its defaults.
#pragma once

#include <cstdint>

#include "core/value.h"

namespace lm {

struct LossScale {
  double scale = 65536;    // of the next step
  int64_t good_steps = 0;  // since the scale last changed
  int64_t skipped = 0;     // steps of the run that moved nothing, for their gradient overflowed

  // Throws ERR_CONFIG for a state that no training comes to.
  static LossScale parse(const Value& spec) {
    const LossScale out{spec["scale"].number(), spec["goodSteps"].integer(), spec["skipped"].integer()};
    LM_CHECK(out.scale > 0 && out.scale <= kLargest && out.good_steps >= 0 && out.skipped >= 0, "ERR_CONFIG",
             "Expected a scale above 0 and counts of at least 0 for `lossScale`");
    return out;
  }

  void step(bool overflowed) {
    good_steps = overflowed ? 0 : good_steps + 1;
    if (overflowed) scale /= 2;
    if (overflowed && scale >= 1) ++skipped;  // below 1 the run ends before the step
    if (good_steps < kGrowthInterval) return;
    good_steps = 0;
    if (scale < kLargest) scale *= 2;
  }

 private:
  static constexpr int64_t kGrowthInterval = 2000;
  static constexpr double kLargest = 0x1p127;  // float32 has no larger power of two
};

}  // namespace lm
