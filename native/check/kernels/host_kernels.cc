#include "check/kernels/host_kernels.h"

#include "check/kernels/host_machine.h"
#include "core/kernels/cuda/launch.h"

const lm::cuda::Launches* lm_cuda_launches_3(lm::cuda::Type type, int64_t bytes) {
  using namespace lm::cuda;
  static const Launches tables[]{Launch<Host, float>::table(), Launch<Host, double>::table(),
                                 Launch<Host, Half>::table(), Launch<Host, BFloat16>::table()};
  return bytes == sizeof(Launches) && type < Type::kTypes ? &tables[static_cast<int>(type)] : nullptr;
}
