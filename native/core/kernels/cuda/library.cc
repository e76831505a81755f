#include "core/kernels/cuda/library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <string>

#include "core/library/beside.h"

namespace lm::cuda {
namespace {

LaunchesOf given = nullptr;

std::string path_of_library() {
  const char* const named = std::getenv("LM_RESNET_CUDA_KERNELS");
  return named != nullptr ? named : path_beside("lm_cuda.so");
}

LaunchesOf open_library() {
  void* const library = dlopen(path_of_library().c_str(), RTLD_NOW | RTLD_LOCAL);
  return library == nullptr ? nullptr : reinterpret_cast<LaunchesOf>(dlsym(library, kLaunchesOf));
}

}  // namespace

void use(LaunchesOf launches_of) { given = launches_of; }

const Launches* launches(Type type) {
  static const LaunchesOf of = given != nullptr ? given : open_library();
  return of == nullptr ? nullptr : of(type, sizeof(Launches));
}

}  // namespace lm::cuda
