// Every C++ failure becomes an LmError: the class comes from JavaScript, once per environment.
#pragma once

#include <exception>
#include <string>

#include "binding/napi_setup.h"

namespace lm::binding {

struct ErrorInfo {
  std::string code, message;
};

// Which code and message an exception stands for. Short: no C++ backtrace.
ErrorInfo describe(const std::exception_ptr& error);

Napi::Value to_js_error(Napi::Env env, const ErrorInfo& error);

// Runs the body of a synchronous call; failures leave as LmErrors.
template <typename Body>
auto guarded(Napi::Env env, const Body& body) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw Napi::Error(env, to_js_error(env, describe(std::current_exception())));
  }
}

}  // namespace lm::binding
