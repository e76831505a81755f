#include "binding/wraps/model_wrap.h"

#include <c10/core/impl/VirtualGuardImpl.h>

#include "binding/errors.h"
#include "binding/evaluation.h"
#include "binding/parse.h"
#include "binding/wraps/ranks_wrap.h"
#include "binding/wraps/wrap.h"
#include "core/ops/op.h"
#include "core/parse_graph.h"

namespace lm::binding {
namespace {

// Of whatever kind libtorch knows here.
bool is_there(at::Device device) {
  if (device.is_cpu()) return true;
  if (!c10::impl::hasDeviceGuardImpl(device.type())) return false;
  return device.index() < c10::impl::VirtualGuardImpl(device.type()).deviceCount();
}

ModelOptions parse_options(const Value& v) {
  ModelOptions options;
  const std::string& dtype = v["dtype"].text();
  LM_CHECK(dtype == "float32" || dtype == "float64", "ERR_CONFIG", "Unknown dtype \"", dtype, "\"");
  options.dtype = dtype == "float64" ? at::kDouble : at::kFloat;
  options.device = at::Device(v["device"].text());
  LM_CHECK(is_there(options.device), "ERR_DEVICE", "There is no device \"", v["device"].text(), "\" here");
  const Value& seed = v["seed"];
  options.seed = std::holds_alternative<std::nullptr_t>(seed.data)
                     ? std::nullopt
                     : std::optional(static_cast<uint64_t>(seed.integer()));
  return options;
}

Lane parse_lane(const Value& v) {
  Lane lane;
  if (const Value* index = v.find("lane")) lane.index = static_cast<int>(index->integer());
  if (const Value* threads = v.find("threads")) lane.threads = static_cast<int>(threads->integer());
  return lane;
}

VjpOptions parse_vjp(const Value& v) {
  VjpOptions options;
  options.training = v["training"].boolean();
  if (const Value* seed = v.find("seed")) options.seed = static_cast<uint64_t>(seed->integer());
  std::tie(options.memory, options.every) = memory_of(v.find("memory"));
  options.precision = precision_of(v.find("amp"));
  if (const Value* plain = v.find("plain")) options.plain = plain->boolean();
  return options;
}

// n images of h x w as the border gives them, [n, h, w, c] in a row.
at::Tensor images(const Napi::CallbackInfo& info, const Graph& graph, const at::Tensor& flat) {
  const int64_t n = integer_of(info[1], "n"), h = integer_of(info[2], "height"),
                w = integer_of(info[3], "width");
  return images_of(flat, {n, h, w, graph.input.channels}, "ERR_SHAPE");
}

CopySpec parse_copy(const Value& v) {
  CopySpec spec{v["from"].text(), v["into"].text(), {}};
  if (const Value* paths = v.find("paths")) {
    spec.paths.emplace();
    for (const auto& [here, there] : paths->record()) spec.paths->emplace(here, there.text());
  }
  return spec;
}

// A job on the compute thread of a model.
Napi::Value compute(Napi::Env env, const ModelState& state, std::function<void()> work,
                    std::function<Napi::Value(Napi::Env)> result, On where = On::kComputeBetweenSteps) {
  return EnvState::of(env).submit(env, where, std::move(work), std::move(result), state.lane);
}

// The set of tensors that a pass takes, by default the values.
std::string weights_of(const Napi::Value& name) {
  return name.IsUndefined() ? "value" : text_of(name, "weights");
}

}  // namespace

Napi::Function ModelWrap::define(Napi::Env env) {
  return DefineClass(
      env, "Model",
      {InstanceMethod<&ModelWrap::predict>("predict"), InstanceMethod<&ModelWrap::evaluate>("evaluate"),
       InstanceMethod<&ModelWrap::vjp>("vjp"), InstanceMethod<&ModelWrap::probe>("probe"),
       InstanceMethod<&ModelWrap::shapes>("shapes"), InstanceMethod<&ModelWrap::step_bytes>("stepBytes"),
       InstanceMethod<&ModelWrap::read_tensor>("readTensor"),
       InstanceMethod<&ModelWrap::write_tensor>("writeTensor"), InstanceMethod<&ModelWrap::fill>("fill"),
       InstanceMethod<&ModelWrap::copy>("copy"), InstanceAccessor<&ModelWrap::bytes>("bytes"),
       InstanceMethod<&ModelWrap::close>("close")});
}

ModelWrap::ModelWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  guarded(info.Env(), [&] {
    Value().TypeTag(&kTag);
    state_ = std::make_shared<ModelState>(parse_graph(to_value(info[0])), parse_options(to_value(info[1])),
                                          parse_lane(to_value(info[1])));
    const Graph& g = state_->graph;
    infer_shapes(g, 1, g.input.height, g.input.width);
    const int64_t size = state_->options.dtype == at::kDouble ? 8 : 4;
    for (const auto& p : g.params) bytes_ += numel(p.shape) * size;
    for (const auto& b : g.buffers) bytes_ += numel(b.shape) * size;
  });
  Napi::MemoryManagement::AdjustExternalMemory(info.Env(), bytes_);
}

ModelWrap::~ModelWrap() { forget(); }

void ModelWrap::forget() {
  if (!state_) return;
  state_.reset();  // the weights go when the last job has
  Napi::MemoryManagement::AdjustExternalMemory(Env(), -bytes_);
}

void ModelWrap::close(const Napi::CallbackInfo&) { forget(); }

std::shared_ptr<ModelState> ModelWrap::state() const { return alive(state_, "model"); }

Napi::Value ModelWrap::bytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), state_ ? static_cast<double>(bytes_) : 0);
}

Napi::Value ModelWrap::predict(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto state = this->state();
    const at::Tensor pixels = images(info, state->graph, bytes_of(info[0], "pixels"));
    const std::string weights = weights_of(info[4]);
    const Precision precision = precision_of(info[5]);
    auto logits = std::make_shared<at::Tensor>();
    return compute(
        info.Env(), *state,
        [=] { *logits = state->model().predict(pixels, weights, precision).to(at::kCPU); },
        [=](Napi::Env env) { return to_float32(env, *logits); });
  });
}

// Of a source, in the batches of several loaders: one for every view.
Napi::Value ModelWrap::evaluate(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto state = this->state();
    const EvaluateOptions options = parse_evaluate(to_value(info[2]));
    const Loaders loaders = loaders_of(info[0], info[1]);
    const auto ranks = ranks_of(info[3]);
    const auto closing = EnvState::of(info.Env()).closing;
    auto result = std::make_shared<Evaluated>();
    return compute(
        info.Env(), *state,
        [=] {
          const auto meanwhile = [&] {
            LM_CHECK(!*closing, "ERR_CLOSED", "The environment is closing");
            run_waiting_short_jobs();
          };
          *result =
              run_evaluation(state->model(), loaders, options, meanwhile, ranks ? &ranks->ranks() : nullptr);
        },
        [=](Napi::Env env) { return to_js(env, *result); }, On::kCompute);
  });
}

Napi::Value ModelWrap::vjp(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto state = this->state();
    const at::Tensor x = images(info, state->graph, doubles_of(info[0], "x")).permute({0, 3, 1, 2});
    std::optional<at::Tensor> cotangent;
    if (!info[4].IsNull()) cotangent = doubles_of(info[4], "cotangent");
    const VjpOptions options = parse_vjp(to_value(info[5]));
    auto result = std::make_shared<Vjp>();
    return compute(
        info.Env(), *state, [=] { *result = state->model().vjp(x, cotangent, options); },
        [=](Napi::Env env) -> Napi::Value {
          Napi::Object out = Napi::Object::New(env);
          out.Set("output", to_tensor(env, result->output));
          out.Set("inputGradient",
                  result->input_gradient.defined() ? to_tensor(env, result->input_gradient) : env.Null());
          return out;
        });
  });
}

Napi::Value ModelWrap::probe(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto state = this->state();
    const at::Tensor pixels = images(info, state->graph, bytes_of(info[0], "pixels"));
    const Sizes nodes = to_value(info[4]).integers();
    auto values = std::make_shared<std::vector<at::Tensor>>();
    return compute(
        info.Env(), *state, [=] { *values = state->model().probe(pixels, nodes); },
        [=](Napi::Env env) -> Napi::Value {
          Napi::Array out = Napi::Array::New(env);
          for (size_t i = 0; i < values->size(); ++i)
            out.Set(static_cast<uint32_t>(i), to_tensor(env, (*values)[i]));
          return out;
        });
  });
}

Napi::Value ModelWrap::shapes(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto shapes = infer_shapes(state()->graph, integer_of(info[0], "n"), integer_of(info[1], "height"),
                                     integer_of(info[2], "width"));
    Napi::Array out = Napi::Array::New(info.Env());
    for (size_t i = 0; i < shapes.size(); ++i) {
      Napi::Array shape = Napi::Array::New(info.Env());
      for (size_t d = 0; d < shapes[i].size(); ++d)
        shape.Set(static_cast<uint32_t>(d), static_cast<double>(shapes[i][d]));
      out.Set(static_cast<uint32_t>(i), shape);
    }
    return out;
  });
}

// What libtorch's functions take for themselves, in values of the largest op: those of a norm's backward.
constexpr int64_t kScratches = 4;

// Of what a training step of n images of h x w writes, its weights beside.
Napi::Value ModelWrap::step_bytes(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto state = this->state();
    const lm::Value spec = to_value(info[3]);
    PlanOptions options{.training = true, .backward = true};
    std::tie(options.memory, options.every) = memory_of(spec.find("memory"));
    options.precision = precision_of(spec.find("amp"));
    const PlanTarget target = target_of(state->options, options);
    const Plan plan = make_plan(state->graph, integer_of(info[0], "n"), integer_of(info[1], "height"),
                                integer_of(info[2], "width"), target, options);
    int64_t largest = 0;
    for (const Sizes& shape : plan.shapes) largest = std::max(largest, target.bytes_of_own * numel(shape));
    return Napi::Number::New(info.Env(), static_cast<double>(plan.bytes + kScratches * largest));
  });
}

Napi::Value ModelWrap::read_tensor(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto state = this->state();
    const std::string path = text_of(info[0], "path"), set = text_of(info[1], "set");
    auto values = std::make_shared<at::Tensor>();
    return compute(
        info.Env(), *state, [=] { *values = state->model().read(path, set); },
        [=](Napi::Env env) {
          return values->scalar_type() == at::kDouble ? to_float64(env, *values) : to_float32(env, *values);
        });
  });
}

Napi::Value ModelWrap::write_tensor(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto state = this->state();
    const std::string path = text_of(info[0], "path"), set = text_of(info[1], "set");
    const at::Tensor values = floats_of(info[2], "values");
    return compute(
        info.Env(), *state, [=] { state->model().write(path, set, values); },
        [](Napi::Env env) { return env.Undefined(); });
  });
}

Napi::Value ModelWrap::fill(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto state = this->state();
    const std::string set = text_of(info[0], "set");
    LM_CHECK(info[1].IsNumber(), "ERR_CONFIG", "Expected a number for `value`");
    const double value = info[1].As<Napi::Number>().DoubleValue();
    return compute(
        info.Env(), *state, [=] { state->model().fill(set, value); },
        [](Napi::Env env) { return env.Undefined(); });
  });
}

// From a model, which may be this one.
Napi::Value ModelWrap::copy(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto state = this->state(), from = unwrap<ModelWrap>(info[0], "model").state();
    const CopySpec spec = parse_copy(to_value(info[1]));
    return compute(
        info.Env(), *state, [=] { state->model().copy(from->model(), spec); },
        [](Napi::Env env) { return env.Undefined(); });
  });
}

}  // namespace lm::binding
