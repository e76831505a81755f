// The core's one error: a code of src/errors.ts and a message. binding/errors turns it into an LmError.
#pragma once

#include <exception>
#include <sstream>
#include <string>
#include <utility>

namespace lm {

struct Error : std::exception {
  Error(std::string code, std::string message) : code(std::move(code)), message(std::move(message)) {}
  const char* what() const noexcept override { return message.c_str(); }

  std::string code;
  std::string message;
};

template <typename... Parts>
[[noreturn]] void fail(const char* code, const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  throw Error(code, text.str());
}

}  // namespace lm

// Throws lm::Error{code, parts...} unless the condition holds.
#define LM_CHECK(condition, code, ...)               \
  do {                                               \
    if (!(condition)) ::lm::fail(code, __VA_ARGS__); \
  } while (false)
