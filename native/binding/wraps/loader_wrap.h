#pragma once

#include <memory>

#include "binding/napi_setup.h"
#include "data/loader/loader.h"

namespace lm::binding {

// The loader that a plain object describes, over the samples of a source.
std::shared_ptr<Loader> make_loader(const Napi::Value& source, const Napi::Value& spec);
// [{ name, reason }]
Napi::Array bad_images(Napi::Env env, const std::vector<BadImage>& bad);

class LoaderWrap final : public Napi::ObjectWrap<LoaderWrap> {
 public:
  static constexpr napi_type_tag kTag{0x6c6d2d7265736e65, 0x742d6c6f61646504};
  static Napi::Function define(Napi::Env env);

  explicit LoaderWrap(const Napi::CallbackInfo& info);

 private:
  Napi::Value batches(const Napi::CallbackInfo& info);
  Napi::Value at(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  std::shared_ptr<Loader> loader_;
};

}  // namespace lm::binding
