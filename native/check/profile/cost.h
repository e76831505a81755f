// What the pieces of a step must do, from its plan alone: bytes of memory that are read and written, and
// floating-point operations.
//   Bytes: every tensor, weight, gradient, statistic once that a piece reads, and once that it writes, as if
//   what it holds in between stayed in caches. A view moves nothing.
//   Operations: a multiplication, an addition, a comparison, a root count one each; a convolution's window
//   counts whole at edges. Branches of `mix` count as if none were dropped.
#pragma once

#include "core/ops/op.h"
#include "core/run/observer.h"
#include "core/train/trainer.h"

namespace lm {

struct Cost {
  double read = 0, written = 0, flops = 0;

  double bytes() const { return read + written; }
  Cost& operator+=(const Cost& other);
};

// Bytes of tensors in a plan, by their numbers there.
class Sizing {
 public:
  Sizing(const Plan& plan, int64_t bytes_of_own) : plan_(plan), own_(static_cast<double>(bytes_of_own)) {}

  double own() const { return own_; }
  double tensor(int i) const;  // 0 for -1
  double distinct(std::vector<int> tensors) const;

 private:
  const Plan& plan_;
  double own_;
};

// Of a call as it is run forward, again, backward; of the sums of gradients behind it.
Cost forward_cost(const Plan& plan, const Call& call, const Sizing& sizing);
Cost backward_cost(const Plan& plan, const Call& call, const Sizing& sizing);
Cost sum_cost(const Plan& plan, const Call& call, const Sizing& sizing);

// Operations of one call.
double forward_flops(const Plan& plan, const Call& call);
double backward_flops(const Plan& plan, const Call& call);

// Of what is no call.
Cost step_cost(Piece::Kind kind, const Plan& plan, const OptimizerSpec& optimizer, const StepScalars& scalars,
               int64_t bytes_of_own);

}  // namespace lm
