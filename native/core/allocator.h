// A caching allocator for CPU tensors. The C library gives blocks over 32 MiB back to the kernel at every
// free, and the page faults of taking them again cost a third of an ImageNet-size training step.
#pragma once

#include <cstddef>

namespace lm {

// Puts the caching allocator in front of libtorch's for the whole process, once.
void install_caching_allocator();

// While it lives, the first request for exactly so many bytes of CPU memory on this thread is answered with
// this address, which nobody frees. The 64 bytes before it are written to.
class NextAllocation {
 public:
  NextAllocation(void* data, std::size_t bytes);  // null: nothing is changed
  ~NextAllocation();
  NextAllocation(const NextAllocation&) = delete;
  NextAllocation& operator=(const NextAllocation&) = delete;
};

// Gives the memory that is cached but not in use back to the system.
void release_cached_memory();

// Bytes of CPU tensors: in use, and the most since the last reset.
struct MemoryUse {
  std::size_t live = 0, peak = 0, cached = 0;
};

MemoryUse memory_use();
void reset_peak();

}  // namespace lm
