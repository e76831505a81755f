#include "binding/trainer_wrap.h"

#include "binding/errors.h"
#include "binding/job_thread.h"
#include "binding/parse.h"
#include "binding/source_wrap.h"
#include "binding/wrap.h"

namespace lm::binding {
namespace {

// Rows of lr, momentum, weight decay.
std::vector<StepScalars> parse_table(const at::Tensor& flat) {
  LM_CHECK(flat.numel() % 3 == 0, "ERR_CONFIG", "A chunk's table needs three numbers a step");
  const double* data = flat.data_ptr<double>();
  std::vector<StepScalars> rows;
  for (int64_t i = 0; i < flat.numel(); i += 3) rows.push_back({data[i], data[i + 1], data[i + 2]});
  return rows;
}

Napi::Value to_js(Napi::Env env, const ChunkResult& r) {
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
    const auto source = unwrap<SourceWrap>(info[1], "source").source();
    const lm::Value spec = to_value(info[2]);
    TrainerOptions options;
    options.seed = static_cast<uint64_t>(spec["seed"].integer());
    std::tie(options.memory, options.every) = memory_of(spec.find("memory"));
    TrainingLoader loader(source, spec["batch"].integer(), options.seed);
    state_ = std::make_shared<TrainerState>(model, std::move(loader),
                                            OptimizerSpec::parse(spec["optimizer"], model->graph), options);
  });
}

Napi::Value TrainerWrap::steps_per_epoch(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return Napi::Number::New(info.Env(), static_cast<double>(alive(state_, "trainer")->loader.batches()));
  });
}

Napi::Value TrainerWrap::run(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto state = alive(state_, "trainer");
    const auto chunk = info[0].As<Napi::Object>();
    const int64_t first = integer_of(chunk.Get("first"), "first");
    LM_CHECK(first >= 0, "ERR_CONFIG", "A step's number is not negative");
    const std::vector<StepScalars> rows = parse_table(doubles_of(chunk.Get("table"), "table"));
    const auto closing = EnvState::of(info.Env()).closing;
    auto result = std::make_shared<ChunkResult>();
    return EnvState::of(info.Env())
        .submit(
            info.Env(), false,
            [=] {
              *result = state->trainer().run(first, rows, state->stop, [&] {
                if (*closing) state->stop = true;
                run_waiting_short_jobs();
              });
            },
            [=](Napi::Env env) { return to_js(env, *result); });
  });
}

void TrainerWrap::stop(const Napi::CallbackInfo&) {
  if (state_) state_->stop = true;
}

void TrainerWrap::close(const Napi::CallbackInfo&) {
  if (state_) state_->stop = true;
  state_.reset();
}

}  // namespace lm::binding
