#include "binding/wraps/scan_wrap.h"

#include "binding/errors.h"
#include "binding/parse.h"
#include "binding/wraps/source_wrap.h"
#include "binding/wraps/wrap.h"

namespace lm::binding {

Napi::Function ScanWrap::define(Napi::Env env) {
  return DefineClass(env, "Scan",
                     {InstanceAccessor<&ScanWrap::done>("done"), InstanceMethod<&ScanWrap::bad>("bad"),
                      InstanceMethod<&ScanWrap::close>("close")});
}

ScanWrap::ScanWrap(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  guarded(info.Env(), [&] {
    const auto samples = unwrap<SourceWrap>(info[0], "source").samples();
    const int64_t threads = integer_of(info[1], "threads"), max_pixels = integer_of(info[2], "maxPixels");
    LM_CHECK(threads > 0 && threads <= 1024 && !samples->raw(), "ERR_CONFIG",
             "Expected files to look through");
    const bool of_heads = info[3].ToBoolean();
    scan_ = std::make_unique<Scan>(samples, static_cast<int>(threads), max_pixels, of_heads);
  });
}

Napi::Value ScanWrap::done(const Napi::CallbackInfo& info) {
  if (scan_) last_ = scan_->done();
  return Napi::Number::New(info.Env(), static_cast<double>(last_));
}

// [{ index, name, reason }] since the last call
Napi::Value ScanWrap::bad(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    Napi::Array out = Napi::Array::New(info.Env());
    if (!scan_) return out;
    for (const BadSample& sample : scan_->take_bad()) {
      Napi::Object item = Napi::Object::New(info.Env());
      item.Set("index", static_cast<double>(sample.index));
      item.Set("name", sample.name);
      item.Set("reason", sample.reason);
      out.Set(out.Length(), item);
    }
    return out;
  });
}

void ScanWrap::close(const Napi::CallbackInfo&) { scan_.reset(); }

}  // namespace lm::binding
