#include "binding/file_lock.h"

#include <sys/file.h>

#include <cerrno>

namespace lm::binding {
namespace {

const char* locked(int file) {
  int failed;
  do {
    failed = flock(file, LOCK_EX | LOCK_NB);
  } while (failed != 0 && errno == EINTR);
  if (failed == 0) return "taken";
  return errno == EWOULDBLOCK ? "busy" : "none";
}

}  // namespace

Napi::Value lock_file(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), locked(info[0].As<Napi::Number>().Int32Value()));
}

}  // namespace lm::binding
