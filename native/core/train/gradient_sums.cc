#include "core/train/gradient_sums.h"

#include <algorithm>
#include <utility>

namespace lm {

GradientSums::GradientSums(Ranks& ranks, const Graph& graph, const Weights& gradients, int64_t bucket_bytes,
                           std::optional<at::ScalarType> compressed)
    : ranks_(ranks), views_(gradients.views), compressed_(compressed) {
  for (const CoefSpec& coef : graph.coefs)
    if (coef.kind == CoefSpec::Kind::kParam) learned_.insert(coef.param);
  const auto start = [&](int param) {
    return param < static_cast<int>(views_.size()) ? views_[static_cast<size_t>(param)].storage_offset()
                                                   : gradients.flat.numel();
  };
  const int64_t each = bucket_bytes / static_cast<int64_t>(gradients.flat.element_size());
  for (int last = static_cast<int>(views_.size()); last > 0;) {
    int first = last - 1;
    while (first > 0 && start(last) - start(first - 1) <= each) --first;
    buckets_.push_back({first, last, gradients.flat.slice(0, start(first), start(last))});
    last = first;
  }
}

void GradientSums::begin(const Plan& plan) {
  left_.assign(views_.size(), 0);
  for (const Call& call : plan.backward)
    if (call.kind == Call::Kind::kBackward)
      for (int param : plan.node(call.node).params) ++left_[static_cast<size_t>(param)];
  next_ = 0;
  travelling_.clear();
  before_.clear();
  for (int param : learned_) before_.push_back(views_[static_cast<size_t>(param)].clone());
}

bool GradientSums::is_done(const Bucket& bucket) const {
  return std::all_of(left_.begin() + bucket.first, left_.begin() + bucket.last, [](int n) { return n == 0; });
}

// In one order on all ranks.
void GradientSums::send_done(bool all) {
  for (; next_ < buckets_.size() && (all || is_done(buckets_[next_])); ++next_) {
    const at::Tensor& numbers = buckets_[next_].numbers;
    const at::Tensor sent = compressed_ ? numbers.to(*compressed_) : numbers;
    travelling_.push_back({numbers, sent, ranks_.begin_sum(sent)});
  }
}

void GradientSums::gave(int param) {
  if (--left_[static_cast<size_t>(param)] == 0) send_done(false);
}

// What lies in the buckets in the place of coefficients means nothing: they begin anew.
void GradientSums::before_coefficients() {
  send_done(true);
  for (Travelling& t : travelling_) {
    t.sum->wait();
    if (compressed_) at::Tensor(t.numbers).copy_(t.sent);
  }
  travelling_.clear();
  size_t i = 0;
  for (int param : learned_) views_[static_cast<size_t>(param)].copy_(before_[i++]);
}

void GradientSums::finish() {
  if (learned_.empty()) return;
  std::vector<at::Tensor> parts;
  for (int param : learned_) parts.push_back(views_[static_cast<size_t>(param)].flatten());
  const at::Tensor all = at::cat(parts);
  ranks_.sum(all);
  int64_t from = 0;
  for (int param : learned_) {
    at::Tensor& view = views_[static_cast<size_t>(param)];
    view.copy_(all.slice(0, from, from + view.numel()).view(view.sizes()));
    from += view.numel();
  }
}

}  // namespace lm
