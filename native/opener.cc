// Opens libtorch before the addon that needs it. Links no libtorch itself, so it loads anywhere and can
// report what is wrong. Plain C Node-API, no state: safe in any number of worker threads. Nothing throws;
// every failure is a return value.
#include <dlfcn.h>
#include <link.h>
#include <node_api.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

napi_value text(napi_env env, const std::string& value) {
  napi_value result = nullptr;
  napi_create_string_utf8(env, value.data(), value.size(), &result);
  return result;
}

bool read_string(napi_env env, napi_value value, std::string* out) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return false;
  out->resize(length);
  return napi_get_value_string_utf8(env, value, out->data(), length + 1, &length) == napi_ok;
}

bool read_paths(napi_env env, napi_callback_info info, std::vector<std::string>* out) {
  napi_value argument = nullptr;
  size_t argc = 1;
  uint32_t count = 0;
  if (napi_get_cb_info(env, info, &argc, &argument, nullptr, nullptr) != napi_ok || argc < 1) return false;
  if (napi_get_array_length(env, argument, &count) != napi_ok) return false;
  for (uint32_t i = 0; i < count; ++i) {
    napi_value element = nullptr;
    std::string path;
    if (napi_get_element(env, argument, i, &element) != napi_ok || !read_string(env, element, &path))
      return false;
    out->push_back(std::move(path));
  }
  return true;
}

// open(paths: string[]): string | null. The libraries stay open for the life of the process.
napi_value open(napi_env env, napi_callback_info info) {
  std::vector<std::string> paths;
  if (!read_paths(env, info, &paths)) return text(env, "expected an array of paths");
  // How long a thread of OpenMP's team spins before it sleeps, read when its library is mapped: a
  // fraction of a millisecond (a service asks for less, src/serve/engine.ts). Spinning for milliseconds, its
  // default, makes a busy machine crawl; not spinning at all costs a sixth of a training step. The user's own
  // settings stay.
  if (getenv("OMP_WAIT_POLICY") == nullptr) setenv("GOMP_SPINCOUNT", "10000", 0);
  for (const std::string& path : paths) {
    if (path.empty() || path.front() != '/') return text(env, "not an absolute path: " + path);
    if (dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
      const char* error = dlerror();
      return text(env, error != nullptr ? error : path + ": cannot be opened");
    }
  }
  napi_value none = nullptr;
  napi_get_null(env, &none);
  return none;
}

bool is_libtorch(const char* path) {
  const char* slash = std::strrchr(path, '/');
  const char* name = slash != nullptr ? slash + 1 : path;
  return std::strncmp(name, "libtorch_cpu.so", 15) == 0 || std::strncmp(name, "libc10.so", 9) == 0;
}

int collect(dl_phdr_info* library, size_t, void* data) {
  if (library->dlpi_name != nullptr && is_libtorch(library->dlpi_name)) {
    static_cast<std::vector<std::string>*>(data)->emplace_back(library->dlpi_name);
  }
  return 0;
}

// loaded(): string[]. Every libc10 and libtorch_cpu that is mapped in this process, of whatever version.
napi_value loaded(napi_env env, napi_callback_info) {
  std::vector<std::string> paths;
  dl_iterate_phdr(collect, &paths);
  napi_value result = nullptr;
  if (napi_create_array_with_length(env, paths.size(), &result) != napi_ok) return nullptr;
  for (size_t i = 0; i < paths.size(); ++i)
    napi_set_element(env, result, static_cast<uint32_t>(i), text(env, paths[i]));
  return result;
}

void add(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function = nullptr;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function) == napi_ok) {
    napi_set_named_property(env, exports, name, function);
  }
}

}  // namespace

NAPI_MODULE_INIT() {
  add(env, exports, "open", open);
  add(env, exports, "loaded", loaded);
  return exports;
}
