#include "core/trainer.h"

#include <chrono>

#include "core/executor.h"
#include "core/loss.h"
#include "core/reversible.h"

namespace lm {
namespace {

bool all_finite(const at::Tensor& t) { return at::isfinite(t).all().item<bool>(); }

}  // namespace

Trainer::Trainer(Model& model, BatchSource& source, OptimizerSpec optimizer, TrainerOptions options)
    : model_(model), source_(source), optimizer_(std::move(optimizer)), options_(options) {
  LM_CHECK(source.channels() == model.graph().input.channels, "ERR_SHAPE", "Expected images with ",
           model.graph().input.channels, " channels but the data has ", source.channels());
  LM_CHECK(source.classes() <= model.classes(), "ERR_SHAPE", "The data has ", source.classes(),
           " classes but the model has ", model.classes());
  LM_CHECK(source.batches() > 0, "ERR_DATASET", "The data has fewer images than one batch");
  std::vector<Sizes> shapes;
  for (const BufferSpec& spec : model.graph().buffers) shapes.push_back(spec.shape);
  pending_ = Weights::zeros(shapes, model.options());
}

ChunkResult Trainer::run(int64_t first, const std::vector<StepScalars>& scalars,
                         const std::atomic<bool>& stop, const std::function<void()>& between_steps) {
  const auto start = std::chrono::steady_clock::now();
  if (options_.memory == Memory::kReverse) check_reversible(model_.graph(), model_.values());
  const auto count = static_cast<int64_t>(scalars.size());
  const bool on_cpu = model_.options().device().is_cpu();  // where reading a flag costs nothing
  losses_ = at::zeros({count}, model_.options().dtype(at::kDouble));
  correct_ = at::zeros({2}, model_.options().dtype(at::kLong));
  bad_ = at::zeros({1}, model_.options().dtype(at::kFloat));
  const at::Tensor good_steps = at::zeros({1}, bad_.options());
  ChunkResult result;
  for (int64_t done = 0; done < count && !stop; ++done) {
    const Batch batch = source_.at(first + done);
    if (!batch.pixels.defined()) break;  // stopped
    result.exhausted = batch.counted < source_.batch();
    if (result.exhausted) break;
    step(first + done, batch, scalars[static_cast<size_t>(done)], done);
    good_steps.add_(1 - bad_);
    if (on_cpu && bad_.item<float>() != 0) break;
    between_steps();
  }
  const auto good = static_cast<int64_t>(good_steps.item<float>());
  const bool failed = bad_.item<float>() != 0;
  const at::Tensor losses = losses_.to(at::kCPU), correct = correct_.to(at::kCPU);
  result.losses.assign(losses.data_ptr<double>(), losses.data_ptr<double>() + good);
  result.correct1 = correct[0].item<int64_t>();
  result.correct5 = correct[1].item<int64_t>();
  if (failed) result.not_finite = name_not_finite(first + good, scalars[static_cast<size_t>(good)]);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  result.samples = good * source_.batch();
  return result;
}

Trainer::Inputs Trainer::inputs(int64_t number, const Batch& batch, const StepScalars& scalars) {
  const at::Tensor labels = batch.labels.to(model_.options().device());
  at::Tensor x = model_.normalise(batch.pixels);
  const Mix mix = draw_mixing(options_.mixing, scalars.mix_prob, x.size(2), x.size(3),
                              Rng(options_.seed, "mixing", static_cast<uint64_t>(number)));
  apply(mix, x);
  return {x, options_.loss.targets(labels, mix.lambda, model_.classes(), model_.options()),
          mix.lambda < 0.5 ? labels.flip(0) : labels};
}

void Trainer::step(int64_t number, const Batch& batch, const StepScalars& scalars, int64_t row) {
  const auto [x, targets, labels] = inputs(number, batch, scalars);
  pending_.flat.copy_(model_.buffers().flat);
  Run run(plan_for(x), model_.values(), pending_.views, key(number));
  const at::Tensor logits = run.forward(x);
  const Loss loss = options_.loss(logits, targets);
  Weights& grads = model_.set("gradient");
  grads.flat.zero_();
  run.backward(loss.gradient, grads);
  // One flag gates everything: weights, momentum and running statistics keep the last good step's values.
  const at::Tensor largest = at::linalg_vector_norm(grads.flat, std::numeric_limits<double>::infinity());
  at::Tensor finite = at::isfinite(largest).logical_and(at::isfinite(loss.value));
  // A variance overflows long before the loss does, and a running one that is infinite stays so.
  if (pending_.flat.numel() > 0) finite = finite.logical_and(at::isfinite(pending_.flat).all());
  bad_.copy_(at::maximum(bad_, finite.logical_not().to(at::kFloat)));
  update(model_, optimizer_, scalars, number, bad_);
  const at::Tensor keep = bad_.to(at::kBool);
  model_.buffers().flat.copy_(at::where(keep, model_.buffers().flat, pending_.flat));
  losses_[row].copy_(loss.value);
  correct_.add_(at::where(keep, at::zeros_like(correct_), count_correct(logits, labels)));
}

const Plan& Trainer::plan_for(const at::Tensor& x) {
  const PlanOptions options{.training = true, .memory = options_.memory, .every = options_.every};
  return model_.plan(x.size(0), x.size(2), x.size(3), options);
}

// Replays the step that failed, looking at every value: the source still has its batch.
std::string Trainer::name_not_finite(int64_t number, const StepScalars& scalars) {
  const Batch batch = source_.at(number);
  if (!batch.pixels.defined()) return "loss";  // stopped meanwhile
  const Inputs in = inputs(number, batch, scalars);
  pending_.flat.copy_(model_.buffers().flat);
  Run run(plan_for(in.x), model_.values(), pending_.views, key(number));
  run.watch();
  const Loss loss = options_.loss(run.forward(in.x), in.targets);
  const std::vector<BufferSpec>& buffers = model_.graph().buffers;
  for (size_t i = 0; run.not_finite().empty() && i < buffers.size(); ++i)
    if (!all_finite(pending_.views[i])) return buffers[i].path.substr(0, buffers[i].path.rfind('.'));
  if (run.not_finite().empty()) {
    Weights& grads = model_.set("gradient");
    grads.flat.zero_();
    run.backward(loss.gradient, grads);
  }
  return run.not_finite().empty() ? "loss" : run.not_finite();
}

}  // namespace lm
