// What a training step draws: the weights of every mix, by group, before it runs (ops/frame.h says how draws
// are keyed). So forward, recomputation and backward agree, and a resumed run draws the same.
#pragma once

#include <ATen/ATen.h>

#include "core/ops/frame.h"
#include "core/plan/plan.h"
#include "core/run/step_table.h"

namespace lm {

// What the steps of a plan draw: of mixes, with whether each tensor of statistics moves; for each node with
// noise a stream for every image.
StepDraws step_draws_of(const Plan& plan);

// The weights of a mix, into the table of the step. `training`: drawn, `columns` being those of global
// drop-path in the whole network; otherwise their expectation.
void draw_mix(const Node& node, bool training, const DrawKey& key, int64_t columns, MixWeights& into);

}  // namespace lm
