// Shared by the wrapped classes: a type tag so that a foreign object is refused, and the state that jobs keep
// alive.
#pragma once

#include <memory>

#include "binding/napi_setup.h"
#include "core/error.h"

namespace lm::binding {

// The native object behind a JS object of class `Wrap`; throws when it is another object.
template <typename Wrap>
Wrap& unwrap(const Napi::Value& value, const char* name) {
  LM_CHECK(value.IsObject() && value.As<Napi::Object>().CheckTypeTag(&Wrap::kTag), "ERR_CONFIG",
           "Expected an object of this addon for `", name, "`");
  return *Wrap::Unwrap(value.As<Napi::Object>());
}

// Throws ERR_CLOSED when the state was dropped by close().
template <typename State>
std::shared_ptr<State> alive(const std::shared_ptr<State>& state, const char* what) {
  LM_CHECK(state != nullptr, "ERR_CLOSED", "The ", what, " was closed");
  return state;
}

}  // namespace lm::binding
