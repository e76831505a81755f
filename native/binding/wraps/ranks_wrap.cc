#include "binding/wraps/ranks_wrap.h"

#include <string>
#include <vector>

#include "binding/errors.h"
#include "binding/job_thread.h"
#include "binding/parse.h"
#include "binding/wraps/wrap.h"

namespace lm::binding {
namespace {

RanksOptions parse_options(const lm::Value& spec) {
  RanksOptions options;
  options.rank = static_cast<int>(spec["rank"].integer());
  options.world = static_cast<int>(spec["worldSize"].integer());
  options.host = spec["host"].text();
  options.port = static_cast<int>(spec["port"].integer());
  options.hosts_store = spec["hostsStore"].boolean();
  options.agent_store = spec["agentStore"].boolean();
  options.run = spec["run"].text();
  options.network = spec["network"].text();
  options.timeout = std::chrono::milliseconds(spec["timeoutMs"].integer());
  LM_CHECK(options.timeout.count() > 0, "ERR_CONFIG", "Expected a timeout above 0");
  return options;
}

Napi::Value nothing(Napi::Env env) { return env.Undefined(); }

}  // namespace

Ranks& RanksState::ranks() const {
  LM_CHECK(group != nullptr, "ERR_CLOSED", "The ranks have not joined");
  return *group;
}

std::shared_ptr<RanksState> ranks_of(const Napi::Value& value) {
  return value.IsUndefined() ? nullptr : unwrap<RanksWrap>(value, "ranks").state();
}

Napi::Function RanksWrap::define(Napi::Env env) {
  return DefineClass(
      env, "Ranks",
      {InstanceMethod<&RanksWrap::join>("join"), InstanceMethod<&RanksWrap::gather>("gather"),
       InstanceMethod<&RanksWrap::sum>("sum"), InstanceMethod<&RanksWrap::abandon>("abandon"),
       InstanceMethod<&RanksWrap::leave>("leave"), InstanceMethod<&RanksWrap::traffic>("traffic")});
}

RanksWrap::RanksWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  guarded(info.Env(), [&] {
    Value().TypeTag(&kTag);
    state_ = std::make_shared<RanksState>();
    state_->options = parse_options(to_value(info[0]));
  });
}

Napi::Value RanksWrap::join(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    LM_CHECK(state_->group == nullptr, "ERR_CLOSED", "The ranks have joined already");
    return EnvState::of(info.Env())
        .submit(
            info.Env(), On::kWaiting,
            [state = state_] { state->group = std::make_unique<Ranks>(state->options); }, nothing);
  });
}

Napi::Value RanksWrap::gather(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const std::string text = text_of(info[0], "text");
    auto texts = std::make_shared<std::vector<std::string>>();
    return EnvState::of(info.Env())
        .submit(
            info.Env(), On::kWaiting, [=, state = state_] { *texts = state->ranks().gather(text); },
            [=](Napi::Env env) -> Napi::Value {
              Napi::Array out = Napi::Array::New(env, texts->size());
              for (uint32_t i = 0; i < out.Length(); ++i) out.Set(i, (*texts)[i]);
              return out;
            });
  });
}

Napi::Value RanksWrap::sum(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const at::Tensor numbers = doubles_of(info[0], "numbers");
    return EnvState::of(info.Env())
        .submit(
            info.Env(), On::kCompute, [=, state = state_] { state->ranks().sum(numbers); },
            [=](Napi::Env env) -> Napi::Value { return to_float64(env, numbers); });
  });
}

Napi::Value RanksWrap::abandon(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const std::string words = text_of(info[0], "words");
    return EnvState::of(info.Env())
        .submit(
            info.Env(), On::kWaiting,
            [=, state = state_] {
              if (state->group) state->group->abandon(words);
            },
            nothing);
  });
}

Napi::Value RanksWrap::leave(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return EnvState::of(info.Env())
        .submit(
            info.Env(), On::kWaiting,
            [state = state_] {
              if (state->group) state->group->leave();
            },
            nothing);
  });
}

Napi::Value RanksWrap::traffic(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Ranks::Traffic traffic = state_->ranks().traffic();
    Napi::Object out = Napi::Object::New(info.Env());
    out.Set("seconds", traffic.seconds);
    out.Set("bytes", static_cast<double>(traffic.bytes));
    out.Set("calls", static_cast<double>(traffic.calls));
    return out;
  });
}

}  // namespace lm::binding
