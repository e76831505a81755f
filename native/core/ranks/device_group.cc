#include "core/ranks/device_group.h"

#include <c10/util/Exception.h>
#include <dlfcn.h>

#include <string>

#include "core/error.h"
#include "core/library/beside.h"

namespace lm {

DeviceGroupPtr open_device_group(const DevicePlace& place) {
  const std::string path = library_path("LM_RESNET_NCCL", for_libtorch("lm_nccl"));
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  const char* const why = library == nullptr ? dlerror() : nullptr;
  LM_CHECK(library != nullptr, "ERR_ADDON_MISSING",
           "Expected the library of NCCL for ranks on devices but it cannot be opened: ",
           why == nullptr ? path.c_str() : why);
  const auto open = reinterpret_cast<OpenDeviceGroup>(dlsym(library, kOpenDeviceGroup));
  LM_CHECK(open != nullptr, "ERR_ADDON_MISSING", "Expected the library of NCCL of these sources but ", path,
           " is of others");
  DeviceGroupPtr group;
  try {
    open(place, &group);
  } catch (const c10::Error& e) {
    const std::string text = e.what_without_backtrace();
    fail("ERR_ADDON_MISSING", "Ranks on devices cannot be joined by NCCL: ", text.substr(0, text.find('\n')));
  }
  return group;
}

}  // namespace lm
