#include "core/kernels/cuda/update.h"

#include <c10/core/DeviceGuard.h>

#include "core/kernels/cuda/library.h"
#include "core/kernels/cuda/tensors.h"
#include "core/kernels/cuda/updates.h"

namespace lm::cuda {
namespace {

static_assert(kPiece == kUpdatePiece);

const Launches& launches_for(const at::Tensor& weights) {
  for (int t = 0; t < static_cast<int>(Type::kTypes); ++t)
    if (type_of(static_cast<Type>(t)) == weights.scalar_type()) return *launches(static_cast<Type>(t));
  fail("ERR_TORCH", "CUDA: no kernels for weights of type ", toString(weights.scalar_type()));
}

UpdateCall call_of(const Update& u) {
  for (const at::Tensor* set : {&u.weights, &u.gradient, &u.momentum, &u.second})
    LM_CHECK(!set->defined() || (set->dim() == 1 && set->is_contiguous() && is_aligned(*set) &&
                                 set->sizes() == u.weights.sizes()),
             "ERR_TORCH", "CUDA: sets of weights are flat and of one size");
  return {u.weights.data_ptr(),
          u.gradient.data_ptr(),
          data_of(u.momentum),
          data_of(u.second),
          u.weights.numel(),
          u.group_of.const_data_ptr<int16_t>(),
          u.scales.data_ptr(),
          u.scales.size(0),
          u.count.const_data_ptr<double>(),
          u.lr.const_data_ptr<double>(),
          u.momentum_rate.const_data_ptr<double>(),
          u.decay.const_data_ptr<double>(),
          u.skip.const_data_ptr<float>()};
}

}  // namespace

void sgd(const Update& update, const SgdMove& move) {
  const c10::DeviceGuard guard(update.weights.device());
  want_started(
      launches_for(update.weights)
          .sgd(stream_of(update.weights), call_of(update), move.dampening, move.nesterov, move.bare));
}

void adam(const Update& update, const AdamMove& move) {
  const c10::DeviceGuard guard(update.weights.device());
  want_started(launches_for(update.weights)
                   .adam(stream_of(update.weights), call_of(update), move.beta2, move.eps, move.moves));
}

}  // namespace lm::cuda
