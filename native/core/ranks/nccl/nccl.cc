// lm_nccl-MINOR.so: libtorch's ProcessGroupNCCL. Not run: no GPU was at hand.
#include <nccl.h>
#include <stdlib.h>

#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "core/ranks/device_group.h"

namespace {

// The layout of libtorch's group follows from the release of NCCL.
void check_release() {
  int found = 0;
  TORCH_CHECK(ncclGetVersion(&found) == ncclSuccess, "NCCL does not say which release it is");
  TORCH_CHECK(found / 100 == NCCL_VERSION_CODE / 100, "expected NCCL ", NCCL_MAJOR, ".", NCCL_MINOR,
              " but found ", found / 10000, ".", found / 100 % 100);
}

// Ranks tell each other what ended one of them, and end by themselves: NCCL's watchdog gives the device back
// and leaves the process alone. What the user chose stays.
void leave_process_alone() {
  setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "2", 0);  // give back, do not end
  setenv("TORCH_NCCL_ENABLE_MONITORING", "0", 0);
  setenv("TORCH_NCCL_RETHROW_CUDA_ERRORS", "0", 0);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void lm_device_group_1(const lm::DevicePlace& place,
                                                                         lm::DeviceGroupPtr* group) {
  check_release();
  leave_process_alone();
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = place.timeout;
  *group = c10::make_intrusive<c10d::ProcessGroupNCCL>(place.store, place.rank, place.world, options);
}
