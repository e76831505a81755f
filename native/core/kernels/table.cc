#include "core/kernels/cpu/cpu.h"
#include "core/kernels/cuda/cuda.h"
#include "core/kernels/kernels.h"

namespace lm {
namespace {

struct Row {
  at::DeviceType device;
  at::ScalarType type;
  const Kernels& kernels;
};

const Row table[]{
    {at::kCPU, at::kFloat, cpu::float_kernels},
    {at::kCPU, at::kDouble, cpu::double_kernels},
};

}  // namespace

const Kernels& kernels_for(at::Device device, at::ScalarType type, bool plain) {
  for (const Row& row : table)
    if (!plain && row.device == device.type() && row.type == type) return row.kernels;
  if (!plain && device.is_cpu() && at::isReducedFloatingType(type)) return cpu::half_kernels(type);
  // The device of tests brings kernels of its own for those of CUDA.
  const bool is_like_cuda = device.is_cuda() || device.is_privateuseone();
  const Kernels* const of_cuda = !plain && is_like_cuda ? cuda::kernels_of(device, type) : nullptr;
  return of_cuda != nullptr ? *of_cuda : plain_kernels;
}

}  // namespace lm
