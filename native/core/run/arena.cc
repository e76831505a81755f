#include "core/run/arena.h"

#include <c10/util/Exception.h>

#include "core/error.h"

namespace lm {

char* Arena::reserve(int64_t bytes) {
  if (this->bytes() < bytes) {
    memory_.reset();
    try {
      memory_ = at::empty({bytes}, at::TensorOptions().dtype(at::kByte).device(device_));
    } catch (const c10::Error& e) {
      fail("ERR_MEMORY", "A pass needs ", bytes >> 20, " MiB: ", e.what_without_backtrace());
    }
  }
  return static_cast<char*>(memory_.data_ptr());
}

}  // namespace lm
