#pragma once

#include <memory>

#include "binding/napi_setup.h"
#include "core/ranks/ranks.h"

namespace lm::binding {

// The ranks that jobs share; there are none before `join`.
struct RanksState {
  RanksOptions options;
  std::unique_ptr<Ranks> group;
  Ranks& ranks() const;  // throws ERR_CLOSED where there are none
};

class RanksWrap final : public Napi::ObjectWrap<RanksWrap> {
 public:
  static constexpr napi_type_tag kTag{0x6c6d2d7265736e65, 0x742d72616e6b7306};
  static Napi::Function define(Napi::Env env);

  explicit RanksWrap(const Napi::CallbackInfo& info);
  const std::shared_ptr<RanksState>& state() const { return state_; }

 private:
  Napi::Value join(const Napi::CallbackInfo& info);
  Napi::Value gather(const Napi::CallbackInfo& info);
  Napi::Value sum(const Napi::CallbackInfo& info);
  Napi::Value abandon(const Napi::CallbackInfo& info);
  Napi::Value leave(const Napi::CallbackInfo& info);
  Napi::Value traffic(const Napi::CallbackInfo& info);

  std::shared_ptr<RanksState> state_;
};

// The ranks that a value stands for; null where it is undefined.
std::shared_ptr<RanksState> ranks_of(const Napi::Value& value);

}  // namespace lm::binding
