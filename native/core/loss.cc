#include "core/loss.h"

#include <limits>

namespace lm {

namespace {

// -sum(t log softmax(z)) of every row, where t sums to 1.
Loss soft_loss(const at::Tensor& logits, const at::Tensor& targets) {
  const at::Tensor log_p = at::log_softmax(logits, 1);
  const auto n = static_cast<double>(logits.size(0));
  return {(targets * log_p).sum().div(-n), log_p.exp().sub_(targets).div_(n)};
}

Loss binary_loss(const at::Tensor& logits, const at::Tensor& targets) {
  const auto count = static_cast<double>(logits.numel());
  return {at::binary_cross_entropy_with_logits(logits, targets),
          at::sigmoid(logits).sub_(targets).div_(count)};
}

}  // namespace

LossSpec LossSpec::parse(const Value& spec) {
  const std::string& kind = spec["kind"].text();
  LM_CHECK(kind == "crossEntropy" || kind == "bce", "ERR_CONFIG", "Unknown loss \"", kind, "\"");
  LossSpec out{.binary = kind == "bce", .smoothing = spec["smoothing"].number()};
  LM_CHECK(out.smoothing >= 0 && out.smoothing < 1, "ERR_CONFIG",
           "Expected `smoothing` in [0, 1) but received ", out.smoothing);
  if (const Value* threshold = spec.find("threshold")) out.threshold = threshold->number();
  return out;
}

at::Tensor LossSpec::targets(const at::Tensor& labels, const at::Tensor& lambda, bool mixed, int64_t classes,
                             const at::TensorOptions& options) const {
  const int64_t n = labels.size(0);
  const at::Tensor targets = at::full({n, classes}, smoothing / static_cast<double>(classes), options);
  const auto add = [&](const at::Tensor& of, const at::Tensor& share) {
    const at::Tensor mass = share.mul(1 - smoothing).to(options.dtype()).expand({n, 1});
    targets.scatter_add_(1, of.unsqueeze(1), mass);
  };
  add(labels, lambda);
  if (mixed) add(labels.flip(0), 1 - lambda);
  return targets;
}

Loss LossSpec::operator()(const at::Tensor& logits, const at::Tensor& targets) const {
  if (!binary) return soft_loss(logits, targets);
  return binary_loss(logits, threshold < 0 ? targets : targets.gt(threshold).to(targets.dtype()));
}

at::Tensor finite_rows(const at::Tensor& logits) { return at::isfinite(logits).all(1); }

at::Tensor ranks(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& finite) {
  const at::Tensor column = labels.unsqueeze(1);
  const at::Tensor own = logits.gather(1, column);
  const at::Tensor index = at::arange(logits.size(1), labels.options()).unsqueeze(0);
  const at::Tensor behind = (own > logits).logical_or((own == logits).logical_and(index >= column));
  return behind.logical_not().sum(1).masked_fill(finite.logical_not(), std::numeric_limits<int64_t>::max());
}

at::Tensor count_correct(const at::Tensor& logits, const at::Tensor& labels) {
  const at::Tensor rank = ranks(logits, labels, finite_rows(logits));
  return at::stack({(rank < 1).sum(), (rank < 5).sum()});
}

}  // namespace lm
