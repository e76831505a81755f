// lm_cuda: the kernels, compiled for devices. Nothing of libtorch is in here: streams and memory come as
// pointers.
#include <cuda_runtime.h>

#include <atomic>

#include "core/kernels/cuda/launch.h"

namespace lm::cuda {
namespace {

// One phase after the other, with a barrier between two.
template <int kPhase, typename Kernel>
__device__ __forceinline__ void run_from(const Kernel& kernel, const Thread& thread, typename Kernel::Shared& shared,
                                         typename Kernel::Local& local) {
  kernel.template run<kPhase>(thread, shared, local);
  if constexpr (kPhase + 1 < Kernel::kPhases) {
    __syncthreads();
    run_from<kPhase + 1>(kernel, thread, shared, local);
  }
}

template <typename Kernel>
__global__ void __launch_bounds__(kThreads) run(const __grid_constant__ Kernel kernel) {
  __shared__ typename Kernel::Shared shared;
  typename Kernel::Local local;
  run_from<0>(kernel, {blockIdx.x, blockIdx.y, static_cast<int>(threadIdx.x), gridDim.x}, shared, local);
}

struct Device : Bare {
  template <typename T>
  static Global<T> global(T* data, int64_t) {
    return {data};
  }

  template <typename Kernel>
  static const char* start(const Kernel& kernel, Grid grid, void* stream) {
    const dim3 blocks(static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y));
    run<Kernel><<<blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(kernel);
    const cudaError_t error = cudaGetLastError();
    return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
  }
};

// Asked of a device once: the answer stays.
const char* trouble_on(int device) {
  constexpr int kDevices = 256;
  static std::atomic<int> known[kDevices];  // 1 + what CUDA said
  std::atomic<int>& said = known[device % kDevices];
  if (said == 0) {
    cudaFuncAttributes attributes;
    said = 1 + static_cast<int>(cudaFuncGetAttributes(&attributes, run<Combine<Device, float, 1>>));
    cudaGetLastError();
  }
  return said == 1 + cudaSuccess ? nullptr : cudaGetErrorString(static_cast<cudaError_t>(said - 1));
}

template <typename V>
constexpr Launches kTable = Launch<Device, V>::table();

}  // namespace
}  // namespace lm::cuda

extern "C" __attribute__((visibility("default"))) const lm::cuda::Launches* lm_cuda_launches_3(
    lm::cuda::Type type, int64_t bytes) {
  using namespace lm::cuda;
  if (bytes != sizeof(Launches)) return nullptr;
  switch (type) {
    case Type::kFloat:
      return &kTable<float>;
    case Type::kDouble:
      return &kTable<double>;
    case Type::kHalf:
      return &kTable<Half>;
    case Type::kBFloat16:
      return &kTable<BFloat16>;
    default:
      return nullptr;
  }
}

extern "C" __attribute__((visibility("default"))) const char* lm_cuda_trouble_1(int device) {
  return lm::cuda::trouble_on(device);
}
