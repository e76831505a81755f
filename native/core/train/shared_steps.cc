#include "core/train/shared_steps.h"

#include <algorithm>

namespace lm {
namespace {

// A few pieces, so that all but the last are summed beside the backward pass.
constexpr int64_t kPieces = 4, kLeast = 256 << 10;

int64_t bucket_bytes(const Weights& gradients, int64_t most) {
  const auto all = static_cast<int64_t>(gradients.flat.nbytes());
  return std::min(most, std::max(kLeast, (all + kPieces - 1) / kPieces));
}

}  // namespace

SharedSteps::SharedSteps(Ranks& ranks, Model& model, const SharingOptions& options)
    : ranks_(ranks),
      model_(model),
      options_(options),
      gradients_(ranks, model.graph(), model.set("gradient"),
                 bucket_bytes(model.set("gradient"), options.bucket_bytes), options.compressed) {}

std::vector<Say> SharedSteps::agree(Say own) {
  const at::Tensor said = at::zeros({world()}, at::kLong);
  said[rank()] = static_cast<int64_t>(own);
  ranks_.sum(said);
  const auto* numbers = said.data_ptr<int64_t>();
  std::vector<Say> says;
  for (int i = 0; i < world(); ++i) says.push_back(static_cast<Say>(numbers[i]));
  return says;
}

void SharedSteps::begin(const std::vector<std::string>& sets, const std::vector<std::string>& buffer_sets) {
  for (const std::string& name : sets) {
    ranks_.broadcast(model_.set(name).flat);
    ++model_.set(name).version;
  }
  for (const std::string& name : buffer_sets)
    if (model_.buffers(name).flat.numel() > 0) ranks_.broadcast(model_.buffers(name).flat);
}

void SharedSteps::prepare(Session& session, bool last) {
  session.share_statistics(options_.sync_norm ? &ranks_ : nullptr);
  if (last) gradients_.begin(session.plan());
}

void SharedSteps::sum_rest(at::Tensor bad, at::Tensor loss, at::Tensor correct, at::Tensor statistics) {
  const bool averages = !options_.sync_norm && statistics.numel() > 0;
  const double share = 1.0 / world();
  std::vector<at::Tensor> parts{bad.to(at::kDouble).view(-1), loss.view(-1) * share, correct.to(at::kDouble)};
  if (averages) parts.push_back(statistics.to(at::kDouble) * share);
  const at::Tensor all = at::cat(parts);
  ranks_.sum(all);
  bad.copy_(all.slice(0, 0, 1).clamp_max(1));
  loss.copy_(all[1]);
  correct.copy_(all.slice(0, 2, 4));
  if (averages) statistics.copy_(all.slice(0, 4));
}

}  // namespace lm
