#include "core/device.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/DeviceGuard.h>

#include <string_view>

namespace lm {
namespace {

constexpr int kCudaOutOfMemory = 2;  // cudaErrorMemoryAllocation: of libraries that do without the allocator

// What the CPU's allocator says, and cuBLAS and cuDNN, whose errors have no type of their own.
struct Phrase {
  std::string_view said;
  const char* code;
};
constexpr Phrase kPhrases[]{{"allocate memory", "ERR_MEMORY"},
                            {"_STATUS_ALLOC_FAILED", "ERR_MEMORY"},
                            {"_STATUS_EXECUTION_FAILED", "ERR_DEVICE"}};

}  // namespace

const char* code_of(const c10::Error& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return "ERR_MEMORY";
  if (const auto* failure = dynamic_cast<const c10::AcceleratorError*>(&error))
    return failure->get_error_code() == kCudaOutOfMemory ? "ERR_MEMORY" : "ERR_DEVICE";
  const std::string_view message = error.what_without_backtrace();
  for (const Phrase& phrase : kPhrases)
    if (message.find(phrase.said) != std::string_view::npos) return phrase.code;
  return "ERR_TORCH";
}

void choose_algorithms(bool deterministic) {
  at::Context& context = at::globalContext();
  context.setAllowTF32CuDNN(false);
  context.setDeterministicCuDNN(deterministic);
  context.setBenchmarkCuDNN(!deterministic);
}

Algorithms::Algorithms(bool deterministic) : before_(at::globalContext().deterministicCuDNN()) {
  choose_algorithms(deterministic);
}

Algorithms::~Algorithms() { choose_algorithms(before_); }

std::optional<size_t> room_on(at::Device device) {
  if (device.is_cpu()) return std::nullopt;
  try {
    const c10::DeviceGuard guard(device);
    c10::DeviceAllocator& allocator = *c10::getDeviceAllocator(device.type());
    const c10::DeviceIndex index = guard.current_device().index();
    const auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    const auto stats = allocator.getDeviceStats(index);
    return allocator.getMemoryInfo(index).first +
           static_cast<size_t>(stats.reserved_bytes[all].current - stats.allocated_bytes[all].current);
  } catch (const c10::Error&) {
    return std::nullopt;
  }
}

}  // namespace lm
