// The memory of the test device. It is mapped twice: at its own addresses, which nobody may touch, and at
// others that its kernels use. So a host that reads it, or writes to it, ends with SIGSEGV.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>

namespace lm::device {

// Where a kernel finds what lies at an address of the device.
void* for_kernels(const void* address);
bool is_device_address(const void* address);

// What a kernel was given: a piece of a block, and which of the block's uses that was.
struct Piece {
  int64_t block = -1;  // -1: nothing at all
  int64_t use = 0;
};

// Of so many bytes there. Throws where they are not all within one block that is in use.
Piece find_piece(const void* address, size_t bytes);
// What to tell of a kernel that comes upon a block which is no more, or not yet, that of the piece; null: all
// is well. By the device's worker alone.
const char* trouble_with(const Piece& piece);

// Memory for the work of a stream, given back in the order of that stream's work: the next who takes it may
// get the same. As on a GPU, other streams must be named (see `used_by`) before they use it.
void* take(size_t bytes, int64_t stream);
void give_back(void* address) noexcept;
// The block is not given away before the work that this stream has now is done.
void used_by(const void* address, int64_t stream);

// Memory of the host that copies may go on from, or to, while the host runs: not given away before they end.
void* take_pinned(size_t bytes);
void give_back_pinned(void* address) noexcept;
bool is_pinned(const void* address);
void pinned_used_by(const void* address, int64_t stream);

struct MemoryCount {
  size_t live = 0, peak = 0, limit = 0;
};

MemoryCount memory_count();
// Bytes that may be live at once, from now on.
void limit_memory(size_t bytes);

}  // namespace lm::device
