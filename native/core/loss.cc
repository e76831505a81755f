#include "core/loss.h"

namespace lm {

Loss cross_entropy(const at::Tensor& logits, const at::Tensor& labels) {
  const at::Tensor log_p = at::log_softmax(logits, 1);
  const at::Tensor column = labels.unsqueeze(1);
  const auto n = static_cast<double>(logits.size(0));
  at::Tensor gradient = log_p.exp();
  gradient.scatter_add_(1, column, at::full({logits.size(0), 1}, -1, logits.options()));
  return {log_p.gather(1, column).mean().neg(), gradient.div_(n)};
}

at::Tensor count_correct(const at::Tensor& logits, const at::Tensor& labels) {
  const at::Tensor column = labels.unsqueeze(1);
  const at::Tensor own = logits.gather(1, column);
  const at::Tensor index = at::arange(logits.size(1), labels.options()).unsqueeze(0);
  const at::Tensor behind = (own > logits).logical_or((own == logits).logical_and(index >= column));
  const at::Tensor rank = behind.logical_not().sum(1).masked_fill(own.isnan().squeeze(1), 5);
  return at::stack({(rank < 1).sum(), (rank < 5).sum()});
}

}  // namespace lm
