#include "core/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/loss.h"
#include "core/run/reversible.h"

namespace lm {
namespace {

bool all_finite(const at::Tensor& t) { return at::isfinite(t).all().item<bool>(); }

}  // namespace

Trainer::Trainer(Model& model, BatchSource& source, OptimizerSpec optimizer, TrainerOptions options,
                 Ranks* ranks)
    : model_(model), source_(source), optimizer_(std::move(optimizer)), options_(std::move(options)) {
  LM_CHECK(source.channels() == model.graph().input.channels, "ERR_SHAPE", "Expected images with ",
           model.graph().input.channels, " channels but the data has ", source.channels());
  LM_CHECK(source.classes() <= model.classes(), "ERR_SHAPE", "The data has ", source.classes(),
           " classes but the model has ", model.classes());
  LM_CHECK(options_.steps_per_epoch(source) > 0, "ERR_DATASET", "The data has fewer images than one step");
  std::vector<Sizes> shapes;
  for (const BufferSpec& spec : model.graph().buffers) shapes.push_back(spec.shape);
  pending_ = Weights::zeros(shapes, model.options());
  if (ranks != nullptr) shared_.emplace(*ranks, model, options_.sharing);
  const at::TensorOptions& weights = model.options();
  if (kernels_for(weights.device(), weights.dtype().toScalarType()).sgd != nullptr)
    groups_ = FlatGroups::of(optimizer_, model.values());
}

ChunkResult Trainer::run(int64_t first, const std::vector<StepScalars>& scalars,
                         const std::optional<LossScale>& scale, const std::atomic<bool>& stop,
                         const std::function<void()>& between_steps) {
  scale_.reset();
  if (scale) scale_.emplace(*scale, model_.options().device());
  const auto start = std::chrono::steady_clock::now();
  if (options_.plan.memory == Memory::kReverse) check_reversible(model_.graph(), model_.values());
  const auto count = static_cast<int64_t>(scalars.size());
  losses_ = at::zeros({count}, model_.options().dtype(at::kDouble));
  correct_ = at::zeros({2}, model_.options().dtype(at::kLong));
  bad_ = at::zeros({1}, model_.options().dtype(at::kFloat));
  const at::Tensor good_steps = at::zeros({1}, bad_.options());
  ChunkResult result;
  stop_ = &stop;
  begin_together();
  // With other ranks all of them stop before the same step.
  for (int64_t done = 0; done < count && (shared_ || !stop); ++done) {
    if (!step(first + done, scalars[static_cast<size_t>(done)], done)) break;
    if (scale_) adapt_scale();
    good_steps.add_(1 - bad_);
    if (on_cpu() && failed()) break;
    between_steps();
  }
  result.exhausted = exhausted_;
  result.said = std::exchange(said_, {});
  result.stray_bytes = std::exchange(stray_bytes_, 0);
  // All metrics in one reading: a device is waited for once.
  std::vector<at::Tensor> metrics{bad_, good_steps, correct_, losses_};
  if (scale_) metrics.push_back(scale_->state());
  const at::Tensor all = at::cat(metrics).to(at::kCPU, at::kDouble);
  if (shared_ && !on_cpu()) shared_->check();
  const double* read = all.data_ptr<double>();
  const auto good = static_cast<int64_t>(read[1]);
  result.correct1 = static_cast<int64_t>(read[2]);
  result.correct5 = static_cast<int64_t>(read[3]);
  result.losses.assign(read + 4, read + 4 + good);
  if (scale_) result.loss_scale = ScaledLoss::read(read + 4 + count);
  if (read[0] != 0) result.not_finite = name_not_finite(first + good, scalars[static_cast<size_t>(good)]);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.samples = good * static_cast<int64_t>(batches_of_step()) * source_.batch();
  return result;
}

Session& Trainer::session_for(const at::Tensor& pixels) {
  return model_.session(pixels.size(0), pixels.size(1), pixels.size(2), options_.plan);
}

void Trainer::fill(StepTable& table, int64_t step, const StepScalars& scalars, double lambda) const {
  table[StepTable::kUpdate] = static_cast<double>(step);
  table[StepTable::kLr] = scalars.lr;
  table[StepTable::kMomentum] = scalars.momentum;
  table[StepTable::kWeightDecay] = scalars.decay;
  table[StepTable::kEmaDecay] = scalars.ema_decay;
  table[StepTable::kLambda] = lambda;
  table[StepTable::kShare] = 1 / batches_of_step();
}

// What is drawn for a step is the same for all its batches, but for what is drawn for each image, and for
// Mixup and CutMix, which mix a batch with itself.
Trainer::Inputs Trainer::inputs(Place at, const Batch& batch, const StepScalars& scalars) {
  Session& session = session_for(batch.pixels);
  const Mix mix = draw_mixing(options_.mixing, scalars.mix_prob, batch.pixels.size(1), batch.pixels.size(2),
                              Rng(options_.seed, "mixing", static_cast<uint64_t>(at.batch)));
  fill(session.table(), at.step, scalars, mix.lambda);
  session.begin(model_.values(), pending_, {options_.seed, at.step, batch.samples});
  at::Tensor x = session.input();
  model_.normalise(batch.pixels, x);
  const at::Tensor labels = batch.labels.to(model_.options().device());
  apply(mix, x);
  return {session,
          options_.loss.targets(labels, session.table().sent(StepTable::kLambda), mix.lambda != 1,
                                model_.classes(), model_.options()),
          mix.lambda < 0.5 ? labels.flip(0) : labels};
}

int64_t Trainer::batch_number(int64_t step, int64_t part) const {
  const int64_t steps = options_.steps_per_epoch(source_);
  const int64_t pass = options_.batches > 0 ? 0 : step / steps;
  return pass * source_.batches() + step % steps * options_.accumulate + part;
}

// False when the source has no batches for it: nothing has changed then.
bool Trainer::step(int64_t number, const StepScalars& scalars, int64_t row) {
  pending_.flat.copy_(model_.buffers().flat);
  model_.set("gradient").flat.zero_();
  step_correct_ = at::zeros_like(correct_);
  for (part_ = 0; part_ < options_.accumulate; ++part_) {
    const Place at{number, batch_number(number, part_)};
    const Batch batch = source_.at(at.batch);
    if (!takes(batch)) return false;
    pass(at, batch, scalars, row);
    if (fails_at_once() && failed()) break;
  }
  if (shared_) shared_->sum_rest(bad_, losses_[row], step_correct_, pending_.flat);
  update_weights();
  saw(Piece::Kind::kUpdate);
  return true;
}

// Every rank has the same weights when the first step begins.
void Trainer::begin_together() {
  if (!shared_ || std::exchange(has_begun_, true)) return;
  using Kind = OptimizerSpec::Kind;
  std::vector<std::string> sets{"value", "momentum"}, statistics{"value"};
  if (optimizer_.kind == Kind::kAdamW || optimizer_.kind == Kind::kLamb) sets.push_back("secondMoment");
  if (options_.ema) sets.push_back("ema");
  if (options_.ema) statistics.push_back("ema");
  shared_->begin(sets, statistics);
}

// Whether the batch is there, and with other ranks theirs too.
bool Trainer::takes(const Batch& batch) {
  const bool is_there = batch.pixels.defined();
  exhausted_ = is_there && batch.counted < source_.batch();
  if (!shared_) return is_there && !exhausted_;
  const Say own = *stop_ ? Say::kStop : !is_there ? Say::kFailed : exhausted_ ? Say::kExhausted : Say::kGo;
  std::vector<Say> said = shared_->agree(own);
  const auto says = [&](Say what) { return std::find(said.begin(), said.end(), what) != said.end(); };
  exhausted_ = says(Say::kExhausted);
  if (!exhausted_ && !says(Say::kStop) && !says(Say::kFailed)) return true;
  said_ = std::move(said);
  return false;
}

// Forward and backward of one batch, whose part of the gradient is added.
void Trainer::pass(Place at, const Batch& batch, const StepScalars& scalars, int64_t row) {
  const auto [session, targets, labels] = inputs(at, batch, scalars);
  session_ = &session;
  if (shared_) shared_->prepare(session, is_last_part());
  saw(Piece::Kind::kPrepare);
  const at::Tensor& logits = session.forward(seen_);
  const Loss loss = options_.loss(logits, targets);
  const double share = 1 / static_cast<double>(options_.accumulate);
  at::Tensor seed = session.output_gradient();
  at::mul_out(seed, loss.gradient, session.table().sent(StepTable::kShare));
  if (scale_) scale_->scale(seed);
  saw(Piece::Kind::kLoss);
  session.backward(model_.set("gradient"), shared_ ? shared_->watcher(is_last_part()) : nullptr, seen_);
  if (shared_ && is_last_part()) shared_->sum_gradients();
  stray_bytes_ += session.stray_bytes();
  judge(loss.value);
  losses_[row].add_(loss.value, share);
  step_correct_.add_(count_correct(logits, labels));
  saw(Piece::Kind::kCheck);
}

// The step is bad once a loss, gradient or statistic was not finite.
void Trainer::judge(const at::Tensor& loss) {
  const auto [least, largest] = at::aminmax(model_.set("gradient").flat);
  at::Tensor finite = at::isfinite(least).logical_and(at::isfinite(largest)).logical_and(at::isfinite(loss));
  // A variance overflows long before the loss does, and a running one that is infinite stays so.
  if (pending_.flat.numel() > 0) finite = finite.logical_and(at::isfinite(pending_.flat).all());
  bad_.copy_(at::maximum(bad_, finite.logical_not().to(at::kFloat)));
}

// One flag gates everything: weights, momentum and running statistics keep the last good step's values.
void Trainer::update_weights() {
  StepTable& table = session_->table();
  if (scale_) {
    scale_->unscale(model_.set("gradient").flat);
    table.sent(StepTable::kUpdate).sub_(scale_->skipped());
    // Which update is the first libtorch's functions must be told, for the dampening's sake.
    if (optimizer_.dampening != 0 && !groups_)
      table[StepTable::kUpdate] = table.sent(StepTable::kUpdate).item<double>();
  }
  forget_frozen_gradients();
  clip_gradients(model_, options_.clip);
  update(model_, optimizer_, groups_, table, bad_);
  ++model_.values().version;
  const at::Tensor keep = bad_.to(at::kBool);
  model_.buffers().flat.copy_(at::where(keep, model_.buffers().flat, pending_.flat));
  correct_.add_(at::where(keep, at::zeros_like(correct_), step_correct_));
  if (options_.ema) average(table.sent(StepTable::kEmaDecay));
}

// What does not learn has no part in the norm of the gradient, and no moments.
void Trainer::forget_frozen_gradients() {
  for (const ParamGroup& group : optimizer_.groups)
    if (group.lr_scale == 0)
      for (int i : group.params) model_.set("gradient").views[static_cast<size_t>(i)].zero_();
}

// ema <- decay ema + (1 - decay) value, after a good step.
void Trainer::average(const at::Tensor& decay) {
  const at::Tensor share = (1 - bad_).to(model_.options().dtype()).mul_(1 - decay).squeeze();
  model_.set("ema").flat.lerp_(model_.values().flat, share);
  ++model_.set("ema").version;
  model_.buffers("ema").flat.lerp_(model_.buffers().flat, share);
}

// A step that overflowed counts as done, and so do its images, unless the scale is exhausted.
void Trainer::adapt_scale() {
  const at::Tensor skipped = scale_->step(bad_);
  bad_.sub_(skipped);
  correct_.add_(step_correct_ * skipped.to(at::kLong));
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
  const Inputs in = inputs(at, batch, scalars);
  Session& session = in.session;
  session.watch(true);
  const Loss loss = options_.loss(session.forward(), in.targets);
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
