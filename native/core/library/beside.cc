#include "core/library/beside.h"

#include <dlfcn.h>

namespace lm {

std::string path_beside(const std::string& name) {
  Dl_info info;
  if (dladdr(reinterpret_cast<const void*>(&path_beside), &info) == 0) return name;
  const std::string self = info.dli_fname;
  const size_t slash = self.rfind('/');
  return (slash == std::string::npos ? "./" : self.substr(0, slash + 1)) + name;
}

}  // namespace lm
