#pragma once

#include <memory>

#include "binding/napi_setup.h"
#include "data/samples/samples.h"
#include "data/samples/stream.h"

namespace lm::binding {

class SourceWrap final : public Napi::ObjectWrap<SourceWrap> {
 public:
  static constexpr napi_type_tag kTag{0x6c6d2d7265736e65, 0x742d736f75726302};
  static Napi::Function define(Napi::Env env);

  explicit SourceWrap(const Napi::CallbackInfo& info);
  ~SourceWrap() override;
  std::shared_ptr<Samples> samples() const;

 private:
  Napi::Value name(const Napi::CallbackInfo& info);
  Napi::Value push(const Napi::CallbackInfo& info);
  void end(const Napi::CallbackInfo& info);
  void fail(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  void forget();

  std::shared_ptr<Samples> samples_;
  std::shared_ptr<StreamSamples> stream_;  // the same, where it is one
  int64_t bytes_ = 0;
};

}  // namespace lm::binding
