#include "binding/wraps/trainer_wrap.h"

#include "binding/errors.h"
#include "binding/job_thread.h"
#include "binding/parse.h"
#include "binding/wraps/loader_wrap.h"
#include "binding/wraps/wrap.h"

namespace lm::binding {
namespace {

// The columns of a chunk's table: no other place of this side knows them.
constexpr std::pair<const char*, double StepScalars::*> kStepColumns[] = {
    {"lr", &StepScalars::lr},
    {"momentum", &StepScalars::momentum},
    {"weightDecay", &StepScalars::decay},
    {"mixProb", &StepScalars::mix_prob},
    {"emaDecay", &StepScalars::ema_decay},
};

std::vector<StepScalars> parse_table(const Napi::Value& value) {
  LM_CHECK(value.IsObject(), "ERR_CONFIG", "A chunk needs a table");
  const auto table = value.As<Napi::Object>();
  std::vector<StepScalars> rows;
  for (const auto& [name, member] : kStepColumns) {
    const at::Tensor column = doubles_of(table.Get(name), name);
    const auto steps = static_cast<size_t>(column.numel());
    if (member == kStepColumns[0].second) rows.resize(steps);
    LM_CHECK(steps == rows.size(), "ERR_CONFIG", "The columns of a chunk's table differ in length: ", steps,
             " numbers in `", name, "`, ", rows.size(), " in those before");
    for (size_t i = 0; i < steps; i++) rows[i].*member = column.data_ptr<double>()[i];
  }
  LM_CHECK(table.GetPropertyNames().Length() == std::size(kStepColumns), "ERR_CONFIG",
           "A chunk's table has a column that nothing reads");
  return rows;
}

SharingOptions parse_sharing(const lm::Value& spec) {
  SharingOptions options;
  options.sync_norm = spec["syncNorm"].boolean();
  const Precision compressed = precision_of(&spec["compress"]);
  if (compressed != Precision::kOwn)
    options.compressed = compressed == Precision::kFloat16 ? at::kHalf : at::kBFloat16;
  return options;
}

// The worst of what ranks said.
const char* worst(const std::vector<Say>& said) {
  constexpr const char* kNames[] = {"go", "stop", "exhausted", "failed"};
  return kNames[static_cast<size_t>(*std::max_element(said.begin(), said.end()))];
}

TrainerOptions parse_options(const lm::Value& spec, const Graph& graph) {
  TrainerOptions options;
  options.seed = static_cast<uint64_t>(spec["seed"].integer());
  std::tie(options.plan.memory, options.plan.every) = memory_of(spec.find("memory"));
  if (const lm::Value* mixing = spec.find("mixing")) options.mixing = MixingSpec::parse(*mixing);
  if (const lm::Value* loss = spec.find("loss")) options.loss = LossSpec::parse(*loss);
  if (const lm::Value* clip = spec.find("clip")) options.clip = ClipSpec::parse(*clip, graph);
  if (const lm::Value* ema = spec.find("ema")) options.ema = ema->boolean();
  if (const lm::Value* same = spec.find("deterministic")) options.deterministic = same->boolean();
  if (const lm::Value* capture = spec.find("capture")) options.capture = capture->boolean();
  if (const lm::Value* accumulate = spec.find("accumulate")) options.accumulate = accumulate->integer();
  options.plan.precision = precision_of(spec.find("amp"));
  LM_CHECK(options.accumulate > 0, "ERR_CONFIG", "A step needs at least one batch");
  if (const lm::Value* batches = spec.find("batches")) options.batches = batches->integer();
  if (const lm::Value* sharing = spec.find("sharing")) options.sharing = parse_sharing(*sharing);
  return options;
}

Napi::Value to_js(Napi::Env env, const std::optional<LossScale>& scale) {
  if (!scale) return env.Null();
  Napi::Object out = Napi::Object::New(env);
  out.Set("scale", scale->scale);
  out.Set("goodSteps", static_cast<double>(scale->good_steps));
  out.Set("skipped", static_cast<double>(scale->skipped));
  return out;
}

// What a job hands to the JS thread: not the trainer, which must not end there.
struct Chunk {
  ChunkResult result;
  std::exception_ptr failure;
  std::vector<BadImage> bad;
};

Napi::Value to_js(Napi::Env env, const Chunk& chunk) {
  const ChunkResult& r = chunk.result;
  Napi::Object out = Napi::Object::New(env);
  Napi::Float64Array losses = Napi::Float64Array::New(env, r.losses.size());
  std::copy(r.losses.begin(), r.losses.end(), losses.Data());
  out.Set("steps", static_cast<double>(r.losses.size()));
  out.Set("losses", losses);
  out.Set("correct1", static_cast<double>(r.correct1));
  out.Set("correct5", static_cast<double>(r.correct5));
  out.Set("samples", static_cast<double>(r.samples));
  out.Set("seconds", r.seconds);
  out.Set("notFinite", r.not_finite.empty() ? env.Null() : Napi::String::New(env, r.not_finite));
  out.Set("exhausted", r.exhausted);
  out.Set("said", r.said.empty() ? env.Null() : Napi::String::New(env, worst(r.said)));
  out.Set("lossScale", to_js(env, r.loss_scale));
  out.Set("captured", static_cast<double>(r.captured.captured));
  out.Set("replayed", static_cast<double>(r.captured.replayed));
  out.Set("notCaptured", r.capture_failure.empty() ? env.Null() : Napi::String::New(env, r.capture_failure));
  out.Set("bad", bad_images(env, chunk.bad));
  out.Set("failure", chunk.failure ? to_js_error(env, describe(chunk.failure)) : env.Null());
  return out;
}

}  // namespace

Napi::Function TrainerWrap::define(Napi::Env env) {
  return DefineClass(env, "Trainer",
                     {InstanceAccessor<&TrainerWrap::steps_per_epoch>("stepsPerEpoch"),
                      InstanceMethod<&TrainerWrap::run>("run"), InstanceMethod<&TrainerWrap::stop>("stop"),
                      InstanceMethod<&TrainerWrap::close>("close")});
}

TrainerWrap::TrainerWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  guarded(info.Env(), [&] {
    Value().TypeTag(&kTag);
    const auto model = unwrap<ModelWrap>(info[0], "model").state();
    const lm::Value spec = to_value(info[2]);
    const TrainerOptions options = parse_options(spec, model->graph);
    state_ =
        std::make_shared<TrainerState>(model, make_loader(info[1], info[2].As<Napi::Object>().Get("loader")),
                                       OptimizerSpec::parse(spec["optimizer"], model->graph), options,
                                       ranks_of(info[3]), EnvState::of(info.Env()).closing);
  });
}

Napi::Value TrainerWrap::steps_per_epoch(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto state = alive(state_, "trainer");
    const int64_t steps = state->options.steps_per_epoch(*state->loader);
    return Napi::Number::New(info.Env(), static_cast<double>(steps));
  });
}

Napi::Value TrainerWrap::run(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto state = alive(state_, "trainer");
    const auto chunk = info[0].As<Napi::Object>();
    const int64_t first = integer_of(chunk.Get("first"), "first");
    LM_CHECK(first >= 0, "ERR_CONFIG", "A step's number is not negative");
    const std::vector<StepScalars> rows = parse_table(chunk.Get("table"));
    const lm::Value scale_spec = to_value(chunk.Get("lossScale"));
    const bool scaled = !std::holds_alternative<std::nullptr_t>(scale_spec.data);
    const auto scale = scaled ? std::optional(LossScale::parse(scale_spec)) : std::nullopt;
    auto result = std::make_shared<Chunk>();
    return EnvState::of(info.Env())
        .submit(
            info.Env(), On::kCompute,
            [=] {
              result->result =
                  state->trainer().run(first, rows, scale, state->stop, [&] { state->let_others_pass(); });
              result->failure = state->take_failure();
              result->bad = state->loader->take_bad();
            },
            [=](Napi::Env env) { return to_js(env, *result); });
  });
}

void TrainerWrap::stop(const Napi::CallbackInfo&) {
  if (!state_) return;
  state_->stop = true;
  state_->loader->stop();
}

void TrainerWrap::close(const Napi::CallbackInfo& info) {
  stop(info);
  EnvState::of(info.Env()).drop(info.Env(), std::move(state_));
}

}  // namespace lm::binding
