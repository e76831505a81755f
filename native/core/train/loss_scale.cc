#include "core/train/loss_scale.h"

namespace lm {
namespace {

constexpr int64_t kGrowthInterval = 2000;
constexpr double kLargest = 0x1p127;  // float32 has no larger power of two

}  // namespace

LossScale LossScale::parse(const Value& spec) {
  const LossScale out{spec["scale"].number(), spec["goodSteps"].integer(), spec["skipped"].integer()};
  LM_CHECK(out.scale > 0 && out.scale <= kLargest && out.good_steps >= 0 && out.skipped >= 0, "ERR_CONFIG",
           "Expected a scale above 0 and counts of at least 0 for `lossScale`");
  return out;
}

ScaledLoss::ScaledLoss(at::Device device)
    : state_(at::zeros({kRows}, at::TensorOptions().dtype(at::kDouble).device(device))) {}

void ScaledLoss::set(const LossScale& to) {
  state_[kScale].fill_(to.scale);
  state_[kGoodSteps].fill_(to.good_steps);
  state_[kSkipped].fill_(to.skipped);
}

at::Tensor ScaledLoss::step(const at::Tensor& overflowed) {
  const at::Tensor bad = overflowed.to(at::kBool).squeeze();
  const at::Tensor before = state_[kScale], is_alive = before.ge(1);
  const at::Tensor good = (state_[kGoodSteps] + 1).masked_fill(bad, 0);
  const at::Tensor scale = at::where(bad, before * 0.5, before);
  const at::Tensor skips = bad.logical_and(scale.ge(1)).logical_and(is_alive);
  const at::Tensor grows = good.ge(kGrowthInterval);
  const at::Tensor grown = at::where(grows.logical_and(scale.lt(kLargest)), scale * 2, scale);
  const at::Tensor next = at::stack({grown, good.masked_fill(grows, 0), state_[kSkipped] + skips});
  state_.copy_(at::where(is_alive, next, state_));
  return skips.to(overflowed.scalar_type()).view({1});
}

LossScale ScaledLoss::read(const double* state) {
  return {state[kScale], static_cast<int64_t>(state[kGoodSteps]), static_cast<int64_t>(state[kSkipped])};
}

}  // namespace lm
