// The rules behind `update`, for the optimizer_*.cc files alone.
#pragma once

#include <functional>
#include <vector>

#include "core/train/optimizer.h"

namespace lm {

// A group's learning rate, of the host: CUDA's fused updates take one of the device in float32 alone.
double rate(const StepTable& table, const ParamGroup& group);

// A group's views of a set.
std::vector<at::Tensor> tensors_of(const ParamGroup& group, const Weights& set);

// For every tensor ratio(its norm, the norm of the other), or 1 where either norm is 0.
std::vector<at::Tensor> norms_over(const std::vector<at::Tensor>& weights,
                                   const std::vector<at::Tensor>& others,
                                   const std::function<at::Tensor(at::Tensor, at::Tensor)>& ratio);

// By the device's kernels, on whole sets.
void update_flat(Model& model, const OptimizerSpec& spec, const FlatGroups& groups, const StepTable& table,
                 const at::Tensor& skip);

// u <- u |p| / |u| in the groups that adapt, u being the moves of LAMB.
void adapt_moves(Model& model, const OptimizerSpec& spec, Weights& moves);

// g <- decay p + g, times trust |p| / (|g| + decay |p| + eps) with the g before: what LARS gives to SGD, in
// the groups that adapt.
void adapt_gradients(Model& model, const OptimizerSpec& spec, const StepTable& table);

// p <- p - lr (m or, with Nesterov, g + momentum m), m <- momentum m + (1 - dampening) g, but with dampening
// m <- g in step 0; g = gradient + decay p, with no decay where LARS has taken it in already.
void sgd_step(Model& model, const OptimizerSpec& spec, const StepTable& table, const at::Tensor& skip);

// p <- p - lr (decay p + m' / (sqrt(v') + eps)), m and v the moments, m' and v' without their bias.
void adamw_step(Model& model, const OptimizerSpec& spec, const StepTable& table, const at::Tensor& skip);

// p <- p - lr r u, u = m' / (sqrt(v') + eps) + decay p; r = |p| / |u| in groups that adapt, else 1.
void lamb_step(Model& model, const OptimizerSpec& spec, const StepTable& table, const at::Tensor& skip);

}  // namespace lm
