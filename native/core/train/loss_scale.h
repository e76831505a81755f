// The scale of a float16 training's loss: gradients that are too small for float16 are kept by it. PyTorch's
// GradScaler, with its defaults. It is kept on the device, so that no step waits for it.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "core/value.h"

namespace lm {

struct LossScale {
  double scale = 65536;    // of the next step
  int64_t good_steps = 0;  // since the scale last changed
  int64_t skipped = 0;     // steps of the run that moved nothing, for their gradient overflowed

  // Throws ERR_CONFIG for a state that no training comes to.
  static LossScale parse(const Value& spec);
};

class ScaledLoss {
 public:
  explicit ScaledLoss(at::Device device);
  // To what `parse` accepts.
  void set(const LossScale& to);

  // The gradient of a loss, or that of weights, times or by the scale.
  void scale(const at::Tensor& gradient) const { gradient.mul_(state_[kScale]); }
  void unscale(const at::Tensor& gradient) const { gradient.div_(state_[kScale]); }
  // Steps that moved nothing: a scalar.
  at::Tensor skipped() const { return state_[kSkipped]; }
  // After a step; `overflowed` is 1 or 0, float [1]. An overflow halves the scale, 2000 steps without one
  // double it; below 1 it stays. Gives 1 where the step is skipped, and 0 where it was good, or the scale is
  // exhausted.
  at::Tensor step(const at::Tensor& overflowed);

  // Double [3], for those who read several things at once.
  const at::Tensor& state() const { return state_; }
  static LossScale read(const double* state);

 private:
  enum Row { kScale, kGoodSteps, kSkipped, kRows };

  at::Tensor state_;
};

}  // namespace lm
