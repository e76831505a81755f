// From a schedule to calls and places: walks through one step, opens a piece of memory where a tensor is
// written first, and closes it where it is read last.
#pragma once

#include "core/plan/schedule.h"

namespace lm {

// Fills in tensors, bytes, forward, backward, values and the four ends of a plan.
void plan_calls(Plan& plan, const Schedule& schedule, const PlanTarget& target);

}  // namespace lm
