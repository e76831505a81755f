#include "core/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/device.h"
#include "core/kernels/cuda/cuda.h"
#include "core/loss.h"
#include "core/run/reversible.h"

namespace lm {
namespace {

// What recorded steps rest on: all that they read from the host lies where our kernels find it. On the host
// nobody asks, and the library of the kernels stays closed.
std::string why_not_captured(const Model& model, const TrainerOptions& options) {
  const at::TensorOptions& weights = model.options();
  const Kernels& kernels = kernels_for(weights.device(), weights.dtype().toScalarType(), options.plan.plain);
  if (kernels.sgd != nullptr || weights.device().is_cpu()) return "";
  return "they need kernels of ours for the device: " + cuda::why_none(weights.device());
}

bool wants_capture(const Model& model, const TrainerOptions& options, const Ranks* ranks) {
  return options.capture && ranks == nullptr && !model.options().device().is_cpu();
}

}  // namespace

Trainer::Trainer(Model& model, BatchSource& source, OptimizerSpec optimizer, TrainerOptions options,
                 Ranks* ranks)
    : model_(model),
      source_(source),
      optimizer_(std::move(optimizer)),
      options_(std::move(options)),
      captured_(model.options().device(), wants_capture(model, options_, ranks),
                why_not_captured(model, options_)) {
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
  const auto start = std::chrono::steady_clock::now();
  const Algorithms algorithms(options_.deterministic);
  if (options_.plan.memory == Memory::kReverse) check_reversible(model_.graph(), model_.values());
  const auto count = static_cast<int64_t>(scalars.size());
  begin_chunk(count, scale);
  ChunkResult result;
  stop_ = &stop;
  begin_together();
  // With other ranks all of them stop before the same step.
  for (int64_t done = 0; done < count && (shared_ || !stop); ++done) {
    if (!step(first + done, scalars[static_cast<size_t>(done)], done)) break;
    if (on_cpu() && failed()) break;
    between_steps();
  }
  result.exhausted = exhausted_;
  result.said = std::exchange(said_, {});
  result.captured = captured_.take_counts();
  result.capture_failure = captured_.take_failure();
  result.stray_bytes = std::exchange(stray_bytes_, 0);
  const bool is_bad = read_metrics(count, result);
  if (shared_ && !on_cpu()) shared_->check();
  const auto good = static_cast<int64_t>(result.losses.size());
  if (is_bad) result.not_finite = name_not_finite(first + good, scalars[static_cast<size_t>(good)]);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.samples = good * static_cast<int64_t>(batches_of_step()) * source_.batch();
  return result;
}

Session& Trainer::session_for(const at::Tensor& pixels) {
  return model_.session(pixels.size(0), pixels.size(1), pixels.size(2), options_.plan);
}

void Trainer::fill(StepTable& table, int64_t step, const StepScalars& scalars, int64_t row) const {
  table[StepTable::kUpdate] = static_cast<double>(step);
  table[StepTable::kLr] = scalars.lr;
  table[StepTable::kMomentum] = scalars.momentum;
  table[StepTable::kWeightDecay] = scalars.decay;
  table[StepTable::kEmaDecay] = scalars.ema_decay;
  table[StepTable::kShare] = 1 / batches_of_step();
  table[StepTable::kRow] = static_cast<double>(row);
}

// What is drawn for a step is the same for all its batches, but for what is drawn for each image, and for
// Mixup and CutMix, which mix a batch with itself.
Trainer::Part Trainer::prepare(Place at, const Batch& batch, const StepScalars& scalars, int64_t row) {
  Session& session = session_for(batch.pixels);
  const Mix mix = draw_mixing(options_.mixing, scalars.mix_prob, batch.pixels.size(1), batch.pixels.size(2),
                              Rng(options_.seed, "mixing", static_cast<uint64_t>(at.batch)));
  StepTable& table = session.table();
  fill(table, at.step, scalars, row);
  table[StepTable::kLambda] = mix.lambda;
  write(mix, table.mixing());
  session.prepare(model_.values(), pending_, {options_.seed, at.step, batch.samples}, captures());
  return {session, batch.pixels, batch.labels, mix.lambda != 1};
}

// By the device alone. A batch that is not mixed comes out of mixing as it is.
Trainer::Targets Trainer::load(const Part& part) {
  part.session.load();
  const at::Tensor& x = part.session.input();
  model_.normalise(part.pixels, x);
  const at::Tensor labels = part.labels.to(model_.options().device());
  const StepTable& table = part.session.table();
  const bool mixes = captures() ? options_.mixing.mixes() : part.is_mixed;
  if (mixes) kernels_for(x.device(), x.scalar_type()).mix_images(x, table.sent_mixing());
  const at::Tensor lambda = table.sent(StepTable::kLambda);
  return {options_.loss.targets(labels, lambda, mixes, model_.classes(), model_.options()),
          mixes ? at::where(lambda.lt(0.5), labels.flip(0), labels) : labels};
}

int64_t Trainer::batch_number(int64_t step, int64_t part) const {
  const int64_t steps = options_.steps_per_epoch(source_);
  const int64_t pass = options_.batches > 0 ? 0 : step / steps;
  return pass * source_.batches() + step % steps * options_.accumulate + part;
}

// False when the source has no batches for it: nothing has changed then.
bool Trainer::step(int64_t number, const StepScalars& scalars, int64_t row) {
  for (part_ = 0; part_ < options_.accumulate; ++part_) {
    const Place at{number, batch_number(number, part_)};
    const Batch batch = source_.at(at.batch);
    if (!takes(batch)) return false;
    take(at, batch, scalars, row);
    if (!fails_at_once() || !failed()) continue;
    if (!is_last_part()) finish_step();
    break;
  }
  ++model_.values().version;
  if (options_.ema) ++model_.set("ema").version;
  return true;
}

// Forward and backward of one batch; of the last one of a step its update too.
void Trainer::take(Place at, const Batch& batch, const StepScalars& scalars, int64_t row) {
  Part part = prepare(at, batch, scalars, row);
  session_ = &part.session;
  if (!captures()) return compute(part);
  const CapturedSteps::Key key = key_of(part);
  const Batch placed = captured_.place(key, batch);
  part.pixels = placed.pixels;
  part.labels = placed.labels;
  captured_.run(key, [&] { compute(part); });
}

CapturedSteps::Key Trainer::key_of(const Part& part) const {
  return {part.session.number(), part.session.layout(), part_ == 0, is_last_part(),
          part.session.table()[StepTable::kMomentum] != 0};
}

void Trainer::begin_step() {
  pending_.flat.copy_(model_.buffers().flat);
  model_.set("gradient").flat.zero_();
  step_correct_.zero_();
  step_loss_.zero_();
}

// The work on the device, and nothing that the host knows of one batch alone.
void Trainer::compute(const Part& part) {
  if (part_ == 0) begin_step();
  Session& session = part.session;
  const Targets targets = load(part);
  if (shared_) shared_->prepare(session, is_last_part());
  saw(Piece::Kind::kPrepare);
  const at::Tensor& logits = session.forward(seen_);
  session.keep_statistics(model_.buffers());
  const Loss loss = options_.loss(logits, targets.shares);
  const double share = 1 / static_cast<double>(options_.accumulate);
  at::Tensor seed = session.output_gradient();
  at::mul_out(seed, loss.gradient, session.table().sent(StepTable::kShare));
  if (scale_) scale_->scale(seed);
  saw(Piece::Kind::kLoss);
  session.backward(model_.set("gradient"), shared_ ? shared_->watcher(is_last_part()) : nullptr, seen_);
  if (shared_ && is_last_part()) shared_->sum_gradients();
  stray_bytes_ += session.stray_bytes();
  judge(loss.value);
  step_loss_.add_(loss.value, share);
  step_correct_.add_(count_correct(logits, targets.labels));
  saw(Piece::Kind::kCheck);
  if (is_last_part()) finish_step();
}

void Trainer::finish_step() {
  if (shared_) shared_->sum_rest(bad_, step_loss_, step_correct_, pending_.flat);
  update_weights();
  saw(Piece::Kind::kUpdate);
  const at::Tensor row = session_->table().sent(StepTable::kRow).to(at::kLong).view({1});
  losses_.index_copy_(0, row, step_loss_);
  if (scale_) adapt_scale();
  good_steps_.add_(1 - bad_);
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
  model_.buffers("ema").flat.lerp_(model_.buffers().flat, share);
}

// A step that overflowed counts as done, and so do its images, unless the scale is exhausted.
void Trainer::adapt_scale() {
  const at::Tensor skipped = scale_->step(bad_);
  bad_.sub_(skipped);
  correct_.add_(step_correct_ * skipped.to(at::kLong));
}

}  // namespace lm
