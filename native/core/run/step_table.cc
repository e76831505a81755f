#include "core/run/step_table.h"

namespace lm {

StepTable::StepTable(at::Device device, int64_t mixes)
    : numbers_(at::zeros({kColumns + mixes},
                         at::TensorOptions().dtype(at::kDouble).pinned_memory(!device.is_cpu()))),
      device_numbers_(device.is_cpu() ? numbers_ : numbers_.to(device)),
      host_(numbers_.data_ptr<double>()) {}

void StepTable::send() {
  if (!device_numbers_.device().is_cpu()) device_numbers_.copy_(numbers_, /*non_blocking=*/true);
}

}  // namespace lm
