#include "core/run/step_table.h"

namespace lm {

StepTable::StepTable(at::Device device, int64_t mixes)
    : numbers_(at::zeros({kColumns + mixes}, at::kDouble)),
      device_numbers_(device.is_cpu() ? numbers_ : at::zeros_like(numbers_, device)),
      host_(numbers_.data_ptr<double>()) {}

// From memory of its own, which the allocator keeps until it is copied: the host may be steps ahead.
void StepTable::send() {
  if (device_numbers_.device().is_cpu()) return;
  const at::Tensor sent = at::empty_like(numbers_, at::TensorOptions().pinned_memory(true));
  sent.copy_(numbers_);
  device_numbers_.copy_(sent, /*non_blocking=*/true);
}

}  // namespace lm
