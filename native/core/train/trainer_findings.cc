// What a chunk of steps is found to have come to: its metrics, and the layer where a step failed.

#include <algorithm>

#include "core/train/trainer.h"

namespace lm {
namespace {

// Chunks grow and shrink with the time that a step takes.
constexpr int64_t kFewestRows = 4096;

bool all_finite(const at::Tensor& t) { return at::isfinite(t).all().item<bool>(); }

}  // namespace

// What recorded steps write to stays where it is from chunk to chunk.
void Trainer::begin_chunk(int64_t count, const std::optional<LossScale>& scale) {
  const at::TensorOptions& there = model_.options();
  if (!bad_.defined()) {
    bad_ = at::zeros({1}, there.dtype(at::kFloat));
    good_steps_ = at::zeros_like(bad_);
    correct_ = at::zeros({2}, there.dtype(at::kLong));
    step_correct_ = at::zeros_like(correct_);
    step_loss_ = at::zeros({1}, there.dtype(at::kDouble));
  }
  if (!losses_.defined() || losses_.numel() < count) {
    losses_ = at::zeros({std::max(kFewestRows, 2 * count)}, there.dtype(at::kDouble));
    captured_.forget();
  }
  for (const at::Tensor* t : {&bad_, &good_steps_, &correct_, &losses_}) t->zero_();
  if (scale.has_value() != scale_.has_value()) captured_.forget();
  if (!scale) scale_.reset();
  if (scale && !scale_) scale_.emplace(there.device());
  if (scale) scale_->set(*scale);
}

// All in one reading: a device is waited for once. Whether the last step was bad.
bool Trainer::read_metrics(int64_t count, ChunkResult& into) const {
  std::vector<at::Tensor> metrics{bad_, good_steps_, correct_, losses_.narrow(0, 0, count)};
  if (scale_) metrics.push_back(scale_->state());
  const at::Tensor all = at::cat(metrics).to(at::kCPU, at::kDouble);
  const double* read = all.data_ptr<double>();
  into.correct1 = static_cast<int64_t>(read[2]);
  into.correct5 = static_cast<int64_t>(read[3]);
  into.losses.assign(read + 4, read + 4 + static_cast<int64_t>(read[1]));
  if (scale_) into.loss_scale = ScaledLoss::read(read + 4 + count);
  return read[0] != 0;
}

// Replays the step that failed, looking at every value. Where a batch fails at once the source still has the
// batch; elsewhere it makes them again.
std::string Trainer::name_not_finite(int64_t number, const StepScalars& scalars) {
  std::string named;
  for (int64_t part = fails_at_once() ? part_ : 0; part < options_.accumulate; ++part) {
    const Place at{number, batch_number(number, part)};
    const Batch batch = source_.at(at.batch);
    if (!batch.pixels.defined()) return "loss";  // stopped meanwhile
    const std::string found = name_not_finite_in(at, batch, scalars);
    if (named.empty()) named = found;
    if (!named.empty() && !shared_) break;
  }
  return named.empty() && !shared_ ? "loss" : named;
}

// The layer where a batch has its first value that is not finite; empty when it has none.
std::string Trainer::name_not_finite_in(Place at, const Batch& batch, const StepScalars& scalars) {
  pending_.flat.copy_(model_.buffers().flat);
  const Part part = prepare(at, batch, scalars, 0);
  Session& session = part.session;
  const Targets targets = load(part);
  session.watch(true);
  const Loss loss = options_.loss(session.forward(), targets.shares);
  std::string found = session.not_finite();
  const std::vector<BufferSpec>& buffers = model_.graph().buffers;
  for (size_t i = 0; found.empty() && i < buffers.size(); ++i)
    if (!all_finite(pending_.views[i])) found = buffers[i].path.substr(0, buffers[i].path.rfind('.'));
  // Where ranks share statistics all of them go all the way.
  if (found.empty() || shared_) {
    Weights& grads = model_.set("gradient");
    grads.flat.zero_();
    session.output_gradient().copy_(loss.gradient);
    session.backward(grads);
    if (found.empty()) found = session.not_finite();
  }
  session.watch(false);
  return found;
}

}  // namespace lm
