#include "core/kernels/cuda/library.h"

#include <dlfcn.h>

#include <string>

#include "core/library/beside.h"

namespace lm::cuda {
namespace {

LaunchesOf given = nullptr;

LaunchesOf open_library() {
  const std::string path = library_path("LM_RESNET_CUDA_KERNELS", "lm_cuda");
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  return library == nullptr ? nullptr : reinterpret_cast<LaunchesOf>(dlsym(library, kLaunchesOf));
}

}  // namespace

void use(LaunchesOf launches_of) { given = launches_of; }

const Launches* launches(Type type) {
  static const LaunchesOf of = given != nullptr ? given : open_library();
  return of == nullptr ? nullptr : of(type, sizeof(Launches));
}

}  // namespace lm::cuda
