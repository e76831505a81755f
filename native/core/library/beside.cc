#include "core/library/beside.h"

#include <dlfcn.h>
#include <torch/headeronly/version.h>

#include <cstdlib>

namespace lm {

std::string library_path(const char* variable, const std::string& name) {
  if (const char* named = std::getenv(variable)) return named;
  Dl_info info;
  if (dladdr(reinterpret_cast<const void*>(&library_path), &info) == 0) return name + ".so";
  const std::string self = info.dli_fname;
  const size_t slash = self.rfind('/');
  return (slash == std::string::npos ? "./" : self.substr(0, slash + 1)) + name + ".so";
}

std::string for_libtorch(const std::string& name) {
  return name + "-" + std::to_string(TORCH_VERSION_MAJOR) + "." + std::to_string(TORCH_VERSION_MINOR);
}

}  // namespace lm
