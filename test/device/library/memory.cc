#include "memory.h"

#include <ATen/ATen.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <bit>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "counters.h"
#include "streams.h"

namespace lm::device {
namespace {

constexpr size_t kSpace = size_t{16} << 30;  // addresses; memory is there where something was written
constexpr size_t kSmallest = 512;

struct Block {
  int64_t id = 0;
  uintptr_t address = 0;
  size_t size = 0;
  int64_t stream = 0;              // whose work comes in order with its giving and taking
  int64_t use = 0;                 // counts how often it was taken
  bool taken = false;              // as the host sees it
  std::set<int64_t> used_by{};     // other streams
  std::vector<Mark> pending{};     // their work that must be done before it is taken again
  std::atomic<int64_t> of_use{0};  // as the worker sees it: the use under way, negative behind its end
};

// Eight sizes to each doubling.
size_t rounded(size_t size) {
  const size_t unit = std::max(kSmallest, std::bit_floor(size) / 8);
  return (size + unit - 1) / unit * unit;
}

class Memory {
 public:
  static Memory& instance() {
    static auto* memory = new Memory;
    return *memory;
  }

  void* for_kernels(const void* address) const {
    return open_ + (reinterpret_cast<uintptr_t>(address) - closed());
  }

  bool owns(const void* address) const {
    const auto at = reinterpret_cast<uintptr_t>(address);
    return at >= closed() && at < closed() + kSpace;
  }

  Piece find(const void* address, size_t bytes) {
    if (bytes == 0) return {};
    const std::lock_guard lock(mutex_);
    const Block& block = at(address);
    const auto begin = reinterpret_cast<uintptr_t>(address);
    TORCH_CHECK(block.taken, "use after free: memory that was given back before the work was given");
    TORCH_CHECK(begin + bytes <= block.address + block.size, "out of bounds: ", bytes, " bytes at ",
                begin - block.address, " of a block of ", block.size);
    return {block.id, block.use};
  }

  const char* trouble_with(const Piece& piece) const {
    if (piece.block < 0) return nullptr;
    const int64_t now = block(piece.block).of_use;
    if (now == piece.use) return nullptr;
    return std::abs(now) < piece.use ? "memory that its stream has not taken yet: a missing event"
                                     : "use after free: memory that was given back meanwhile";
  }

  void* take(size_t bytes, int64_t stream) {
    const std::lock_guard lock(mutex_);
    const size_t size = rounded(bytes);
    TORCH_CHECK_WITH(OutOfMemoryError, live_ + size <= limit_,
                     "out of memory on the test device: tried to allocate ", bytes, " bytes, ", live_, " of ",
                     limit_, " are in use");
    Block& block = idle(size, stream);
    block.taken = true;
    const int64_t use = ++block.use;
    live_ += size;
    peak_ = std::max(peak_, live_);
    enqueue_for_memory(stream, [this, &block, use] {
      std::memset(for_kernels(reinterpret_cast<void*>(block.address)), 0xff, block.size);  // NaN, or -1
      block.of_use = use;
    });
    return reinterpret_cast<void*>(block.address);
  }

  void give_back(void* address) {
    const std::lock_guard lock(mutex_);
    Block& block = at(address);
    block.taken = false;
    live_ -= block.size;
    for (const int64_t stream : block.used_by) block.pending.push_back(mark(stream));
    // Whoever takes it again waits for other streams; else it is the next work of its own that must not use
    // it.
    if (block.used_by.empty()) enqueue_for_memory(block.stream, [&block] { block.of_use = -block.of_use; });
    block.used_by.clear();
  }

  void used_by(const void* address, int64_t stream) {
    const std::lock_guard lock(mutex_);
    Block& block = at(address);
    if (stream != block.stream) block.used_by.insert(stream);
  }

  MemoryCount count() {
    const std::lock_guard lock(mutex_);
    return {live_, peak_, limit_};
  }

  void limit(size_t bytes) {
    const std::lock_guard lock(mutex_);
    limit_ = bytes;
    peak_ = live_;
  }

 private:
  Memory() {
    const int file = memfd_create("lm-test-device", MFD_CLOEXEC);
    TORCH_CHECK(file >= 0 && ftruncate(file, static_cast<off_t>(kSpace)) == 0, "no memory for the device");
    const auto map = [&](int access) {
      void* const at = mmap(nullptr, kSpace, access, MAP_SHARED | MAP_NORESERVE, file, 0);
      TORCH_CHECK(at != MAP_FAILED, "no addresses for the device");
      return static_cast<char*>(at);
    };
    closed_ = map(PROT_NONE);
    open_ = map(PROT_READ | PROT_WRITE);
    close(file);
  }

  uintptr_t closed() const { return reinterpret_cast<uintptr_t>(closed_); }
  const Block& block(int64_t id) const { return *blocks_[static_cast<size_t>(id)]; }

  Block& at(const void* address) {
    const auto found = by_address_.upper_bound(reinterpret_cast<uintptr_t>(address));
    TORCH_CHECK(owns(address) && found != by_address_.begin(), "not an address of the device");
    return *std::prev(found)->second;
  }

  // One that this stream gave back, and that nobody else uses any more, or a new one.
  Block& idle(size_t size, int64_t stream) {
    for (auto& block : blocks_) {
      if (block->taken || block->size != size || block->stream != stream) continue;
      std::erase_if(block->pending, is_done);
      if (block->pending.empty()) return *block;
    }
    TORCH_CHECK(end_ + size <= kSpace && blocks_.size() < blocks_.capacity(), "no addresses are left");
    auto block = std::make_unique<Block>();
    block->id = static_cast<int64_t>(blocks_.size());
    block->address = closed() + end_;
    block->size = size;
    block->stream = stream;
    end_ += size;
    by_address_[block->address] = block.get();
    blocks_.push_back(std::move(block));
    return *blocks_.back();
  }

  char *closed_ = nullptr, *open_ = nullptr;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Block>> blocks_ = reserved();  // the worker reads it: it never moves
  std::map<uintptr_t, Block*> by_address_;
  size_t end_ = 0, live_ = 0, peak_ = 0, limit_ = kSpace;

  static std::vector<std::unique_ptr<Block>> reserved() {
    std::vector<std::unique_ptr<Block>> blocks;
    blocks.reserve(size_t{1} << 20);
    return blocks;
  }
};

// Blocks of the host, by address.
class Pinned {
 public:
  static Pinned& instance() {
    static auto* pinned = new Pinned;
    return *pinned;
  }

  void* take(size_t bytes) {
    const std::lock_guard lock(mutex_);
    std::erase_if(given_back_, [](Host& host) {
      std::erase_if(host.pending, is_done);
      return host.pending.empty();
    });
    Host host{std::make_unique<std::byte[]>(std::max<size_t>(bytes, 1)), bytes, {}};
    void* const address = host.memory.get();
    taken_.emplace(reinterpret_cast<uintptr_t>(address), std::move(host));
    return address;
  }

  void give_back(void* address) {
    const std::lock_guard lock(mutex_);
    auto found = taken_.extract(reinterpret_cast<uintptr_t>(address));
    if (!found.empty()) given_back_.push_back(std::move(found.mapped()));
  }

  bool owns(const void* address) {
    const std::lock_guard lock(mutex_);
    return find(address) != nullptr;
  }

  void used_by(const void* address, int64_t stream) {
    const std::lock_guard lock(mutex_);
    if (Host* host = find(address)) host->pending.push_back(mark(stream));
  }

 private:
  struct Host {
    std::unique_ptr<std::byte[]> memory;
    size_t size = 0;
    std::vector<Mark> pending;
  };

  Host* find(const void* address) {
    const auto at = reinterpret_cast<uintptr_t>(address);
    const auto next = taken_.upper_bound(at);
    if (next == taken_.begin()) return nullptr;
    Host& host = std::prev(next)->second;
    return at < std::prev(next)->first + std::max<size_t>(host.size, 1) ? &host : nullptr;
  }

  std::mutex mutex_;
  std::map<uintptr_t, Host> taken_;
  std::vector<Host> given_back_;
};

}  // namespace

void* for_kernels(const void* address) { return Memory::instance().for_kernels(address); }

bool is_device_address(const void* address) { return Memory::instance().owns(address); }

Piece find_piece(const void* address, size_t bytes) { return Memory::instance().find(address, bytes); }

const char* trouble_with(const Piece& piece) { return Memory::instance().trouble_with(piece); }

void* take(size_t bytes, int64_t stream) { return Memory::instance().take(bytes, stream); }

void give_back(void* address) noexcept { Memory::instance().give_back(address); }

void used_by(const void* address, int64_t stream) { Memory::instance().used_by(address, stream); }

void* take_pinned(size_t bytes) { return Pinned::instance().take(bytes); }

void give_back_pinned(void* address) noexcept { Pinned::instance().give_back(address); }

bool is_pinned(const void* address) { return Pinned::instance().owns(address); }

void pinned_used_by(const void* address, int64_t stream) { Pinned::instance().used_by(address, stream); }

MemoryCount memory_count() { return Memory::instance().count(); }

void limit_memory(size_t bytes) { Memory::instance().limit(bytes); }

}  // namespace lm::device
