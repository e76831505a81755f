// Bounds on the gradient of a step, before the optimiser reads it.
#pragma once

#include <vector>

#include "core/model.h"

namespace lm {

struct ClipSpec {
  enum class Mode { kNone, kNorm, kValue, kAdaptive };

  Mode mode = Mode::kNone;
  double limit = 0;
  std::vector<int> params;  // those that kAdaptive bounds

  static ClipSpec parse(const Value& spec, const Graph& graph);
};

// kNorm: g limit / |g| where the norm of the whole gradient is larger than the limit; kValue: every number
// into
// [-limit, limit]; kAdaptive: the norm of the gradient of every unit (what makes one output) to at most limit
// times that of its weights (Brock et al. 2021, as timm has it).
void clip_gradients(Model& model, const ClipSpec& spec);

}  // namespace lm
