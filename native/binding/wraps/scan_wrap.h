#pragma once

#include <memory>

#include "binding/napi_setup.h"
#include "data/samples/scan.h"

namespace lm::binding {

class ScanWrap final : public Napi::ObjectWrap<ScanWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit ScanWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value done(const Napi::CallbackInfo& info);
  Napi::Value bad(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  std::unique_ptr<Scan> scan_;
  int64_t last_ = 0;
};

}  // namespace lm::binding
