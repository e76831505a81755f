#include "core/run/step_table.h"

namespace lm {

StepTable::StepTable(at::Device device, const StepDraws& draws)
    : numbers_(kColumns + draws.mixes),
      host_(at::zeros({numbers_ + draws.keys}, at::kLong)),
      sent_(device.is_cpu() ? host_ : at::zeros_like(host_, device)),
      sent_numbers_(at::from_blob(sent_.data_ptr(), {numbers_},
                                  at::TensorOptions().dtype(at::kDouble).device(device))) {}

// From memory of its own, which the allocator keeps until it is copied: the host may be steps ahead.
void StepTable::send() {
  if (sent_.device().is_cpu()) return;
  const at::Tensor sent = at::empty_like(host_, at::TensorOptions().pinned_memory(true));
  sent.copy_(host_);
  sent_.copy_(sent, /*non_blocking=*/true);
}

}  // namespace lm
