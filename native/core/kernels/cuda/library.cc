#include "core/kernels/cuda/library.h"

#include <dlfcn.h>

#include <string>

#include "core/library/beside.h"

namespace lm::cuda {
namespace {

LaunchesOf given = nullptr;

struct Library {
  LaunchesOf launches_of = nullptr;
  TroubleOn trouble_on = nullptr;
};

Library open_library() {
  if (given != nullptr) return {given, nullptr};
  const std::string path = library_path("LM_RESNET_CUDA_KERNELS", "lm_cuda");
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return {};
  return {reinterpret_cast<LaunchesOf>(dlsym(library, kLaunchesOf)),
          reinterpret_cast<TroubleOn>(dlsym(library, kTroubleOn))};
}

const Library& library() {
  static const Library opened = open_library();
  return opened;
}

}  // namespace

void use(LaunchesOf launches_of) { given = launches_of; }

const Launches* launches(Type type) {
  const LaunchesOf of = library().launches_of;
  return of == nullptr ? nullptr : of(type, sizeof(Launches));
}

const char* trouble_on(int device) {
  return library().trouble_on == nullptr ? nullptr : library().trouble_on(device);
}

}  // namespace lm::cuda
