#include "binding/wraps/loader_wrap.h"

#include <cstring>
#include <vector>

#include "binding/errors.h"
#include "binding/job_thread.h"
#include "binding/parse.h"
#include "binding/wraps/source_wrap.h"
#include "binding/wraps/wrap.h"
#include "data/loader/parse.h"

namespace lm::binding {
namespace {

// What a job hands to the JS thread: not the loader, which must not end there.
struct Read {
  Batch batch;
  std::vector<int64_t> indices;
  std::vector<BadImage> bad;
};

}  // namespace

std::shared_ptr<Loader> make_loader(const Napi::Value& source, const Napi::Value& spec) {
  const auto samples = unwrap<SourceWrap>(source, "source").samples();
  const lm::Value plain = to_value(spec);
  return std::make_shared<Loader>(samples, transform_of(plain), loader_options(plain));
}

Napi::Array bad_images(Napi::Env env, const std::vector<BadImage>& bad) {
  Napi::Array out = Napi::Array::New(env, bad.size());
  for (size_t i = 0; i < bad.size(); ++i) {
    Napi::Object item = Napi::Object::New(env);
    item.Set("name", bad[i].name);
    item.Set("reason", bad[i].reason);
    out.Set(static_cast<uint32_t>(i), item);
  }
  return out;
}

Napi::Function LoaderWrap::define(Napi::Env env) {
  return DefineClass(env, "Loader",
                     {InstanceAccessor<&LoaderWrap::batches>("batches"),
                      InstanceMethod<&LoaderWrap::at>("at"), InstanceMethod<&LoaderWrap::close>("close")});
}

LoaderWrap::LoaderWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  guarded(info.Env(), [&] {
    Value().TypeTag(&kTag);
    loader_ = make_loader(info[0], info[1]);
  });
}

Napi::Value LoaderWrap::batches(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return Napi::Number::New(info.Env(), static_cast<double>(alive(loader_, "loader")->batches()));
  });
}

// A batch as arrays of its own. Calls must not overlap: a batch is valid until the next is asked for.
Napi::Value LoaderWrap::at(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const auto loader = alive(loader_, "loader");
    const int64_t step = integer_of(info[0], "step");
    auto read = std::make_shared<Read>();
    return EnvState::of(info.Env())
        .submit(
            info.Env(), On::kWaiting,
            [=] {
              read->batch = loader->at(step);
              LM_CHECK(read->batch.pixels.defined(), "ERR_CLOSED", "The loader was closed");
              read->indices = loader->indices();
              read->bad = loader->take_bad();
            },
            [=](Napi::Env env) -> Napi::Value {
              const Batch& batch = read->batch;
              const auto n = static_cast<size_t>(batch.counted);
              const size_t bytes = n * static_cast<size_t>(batch.pixels.stride(0));
              Napi::Uint8Array pixels = Napi::Uint8Array::New(env, bytes);
              std::memcpy(pixels.Data(), batch.pixels.data_ptr<uint8_t>(), bytes);
              Napi::Int32Array labels = Napi::Int32Array::New(env, n);
              std::copy_n(batch.labels.data_ptr<int64_t>(), n, labels.Data());
              Napi::Float64Array indices = Napi::Float64Array::New(env, n);
              std::copy_n(read->indices.begin(), n, indices.Data());
              Napi::Object out = Napi::Object::New(env);
              out.Set("pixels", pixels);
              out.Set("labels", labels);
              out.Set("indices", indices);
              out.Set("bad", bad_images(env, read->bad));
              return out;
            });
  });
}

void LoaderWrap::close(const Napi::CallbackInfo& info) {
  if (loader_) loader_->stop();
  EnvState::of(info.Env()).drop(info.Env(), std::move(loader_));
}

}  // namespace lm::binding
