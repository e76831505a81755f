// Who is told of a step, piece by piece, as each ends: the profile of the check program.
#pragma once

#include <functional>

#include "core/plan/plan.h"

namespace lm {

struct Piece {
  enum class Kind {
    kPrepare,       // of what the step reads: images, copies of weights, zeros
    kForward,       // a call
    kLoss,          // and its gradient by the logits
    kBackward,      // a call: parts of gradients, or a value made again
    kSum,           // of those parts, behind a call
    kCoefficients,  // gradients of learned numbers, through their expressions
    kCheck,         // that all is finite; images that are right
    kUpdate,        // of weights and statistics
  };
  Kind kind;
  const Call* call = nullptr;  // of the plan
};

using Observer = std::function<void(const Piece&)>;

}  // namespace lm
