#include "binding/errors.h"

#include <c10/util/Exception.h>

#include <new>

#include "binding/job_thread.h"
#include "core/device.h"
#include "core/error.h"

namespace lm::binding {

ErrorInfo describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& e) {
    return {e.code, e.message};
  } catch (const c10::Error& e) {
    return {code_of(e), e.what_without_backtrace()};
  } catch (const std::bad_alloc&) {
    return {"ERR_MEMORY", "Memory ran out"};
  } catch (const std::exception& e) {
    return {"ERR_TORCH", e.what()};
  } catch (...) {
    return {"ERR_TORCH", "An unknown C++ exception was thrown"};
  }
}

Napi::Value to_js_error(Napi::Env env, const ErrorInfo& error) {
  EnvState& state = EnvState::of(env);
  const Napi::String code = Napi::String::New(env, error.code),
                     message = Napi::String::New(env, error.message);
  if (!state.error_factory.IsEmpty()) return state.error_factory.Call({code, message});
  Napi::Object plain = Napi::Error::New(env, error.message).Value();
  plain.Set("code", code);
  return plain;
}

}  // namespace lm::binding
