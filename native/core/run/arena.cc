#include "core/run/arena.h"

#include <c10/util/Exception.h>

#include <string_view>

#include "core/device.h"
#include "core/error.h"

namespace lm {

char* Arena::reserve(int64_t bytes, const Sizes& images) {
  if (this->bytes() < bytes) {
    memory_.reset();
    try {
      memory_ = at::empty({bytes}, at::TensorOptions().dtype(at::kByte).device(device_));
    } catch (const c10::Error& e) {
      if (code_of(e) == std::string_view("ERR_DEVICE")) throw;
      fail("ERR_MEMORY", "A pass over ", images[0], " images of ", images[3], " x ", images[2], " needs ",
           bytes >> 20, " MiB: ", e.what_without_backtrace());
    }
  }
  return static_cast<char*>(memory_.data_ptr());
}

}  // namespace lm
