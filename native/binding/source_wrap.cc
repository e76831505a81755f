#include "binding/source_wrap.h"

#include "binding/errors.h"
#include "binding/parse.h"
#include "binding/wrap.h"

namespace lm::binding {

Napi::Function SourceWrap::define(Napi::Env env) {
  return DefineClass(
      env, "Source",
      {InstanceAccessor<&SourceWrap::count>("count"), InstanceMethod<&SourceWrap::close>("close")});
}

SourceWrap::SourceWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  guarded(info.Env(), [&] {
    Value().TypeTag(&kTag);
    const auto spec = info[0].As<Napi::Object>();
    LM_CHECK(text_of(spec.Get("kind"), "kind") == "memory", "ERR_CONFIG", "Unknown kind of source");
    const int64_t h = integer_of(spec.Get("height"), "height"), w = integer_of(spec.Get("width"), "width"),
                  c = integer_of(spec.Get("channels"), "channels");
    const at::Tensor labels = labels_of(spec.Get("labels"), "labels"),
                     pixels = bytes_of(spec.Get("images"), "images");
    const int64_t n = labels.numel();
    source_ = std::make_shared<const Source>(images_of(pixels, {n, h, w, c}, "ERR_DATASET"), labels);
    bytes_ = pixels.numel() + n * 8;
  });
  Napi::MemoryManagement::AdjustExternalMemory(info.Env(), bytes_);
}

SourceWrap::~SourceWrap() { forget(); }

void SourceWrap::forget() {
  if (!source_) return;
  source_.reset();
  Napi::MemoryManagement::AdjustExternalMemory(Env(), -bytes_);
}

void SourceWrap::close(const Napi::CallbackInfo&) { forget(); }

std::shared_ptr<const Source> SourceWrap::source() const { return alive(source_, "source"); }

Napi::Value SourceWrap::count(const Napi::CallbackInfo& info) {
  return guarded(info.Env(),
                 [&] { return Napi::Number::New(info.Env(), static_cast<double>(source()->count())); });
}

}  // namespace lm::binding
