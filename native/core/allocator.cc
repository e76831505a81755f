#include "core/allocator.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <atomic>
#include <bit>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace lm {
namespace {

constexpr size_t kSmall = size_t{1} << 15;  // below this the C library is fast
constexpr size_t kLimit = size_t{2} << 30;  // cached at most; more is given back

struct Header {
  size_t size, size_class;  // asked for; rounded, 0 for a block that is not cached
};

constexpr size_t kPlaced = 1;  // the size class of a block that belongs to somebody else

thread_local void* next_data = nullptr;  // of NextAllocation
thread_local size_t next_bytes = 0;

constexpr size_t kHeader = 64;  // before every block: its size class; keeps the data on a cache line

// Size classes: eight to each doubling, so that near sizes share blocks and at most an eighth is wasted.
size_t rounded(size_t size) {
  const size_t unit = std::bit_floor(size) / 8;
  return (size + unit - 1) / unit * unit;
}

class CachingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t size) override {
    if (next_data != nullptr && size == next_bytes) return placed();
    void* data = size == 0 ? nullptr : size < kSmall ? fresh(size, 0) : take(rounded(size));
    if (data != nullptr) count(header_of(data).size = size);
    return {data, data, &CachingAllocator::give_back, c10::Device(c10::DeviceType::CPU)};
  }
  // oneDNN's buffers are freed through this, without a DataPtr.
  c10::DeleterFnPtr raw_deleter() const override { return &CachingAllocator::give_back; }
  void copy_data(void* to, const void* from, size_t count) const override {
    default_copy_data(to, from, count);
  }

  void release() {
    const std::lock_guard lock(mutex_);
    for (auto& [size, blocks] : free_)
      for (void* block : blocks) c10::free_cpu(base_of(block));
    free_.clear();
    cached_ = 0;
  }

  MemoryUse use() {
    const std::lock_guard lock(mutex_);
    return {live_, peak_, cached_};
  }

  void reset_peak() { peak_ = live_.load(); }

  // Leaked on purpose: tensors may outlive every static object at exit.
  static CachingAllocator& instance() {
    static auto* allocator = new CachingAllocator;
    return *allocator;
  }

 private:
  static char* base_of(void* data) { return static_cast<char*>(data) - kHeader; }
  static Header& header_of(void* data) { return *reinterpret_cast<Header*>(base_of(data)); }

  static c10::DataPtr placed() {
    void* const data = std::exchange(next_data, nullptr);
    header_of(data) = {0, kPlaced};
    return {data, data, &CachingAllocator::give_back, c10::Device(c10::DeviceType::CPU)};
  }

  // A new block; size class 0 is one that is not cached.
  static void* fresh(size_t size, size_t size_class) {
    auto* data = static_cast<char*>(c10::alloc_cpu(size + kHeader)) + kHeader;
    header_of(data).size_class = size_class;
    return data;
  }

  void* take(size_t size) {
    {
      const std::lock_guard lock(mutex_);
      const auto found = free_.find(size);
      if (found != free_.end() && !found->second.empty()) {
        void* block = found->second.back();
        found->second.pop_back();
        cached_ -= size;
        return block;
      }
    }
    try {
      return fresh(size, size);
    } catch (const c10::Error&) {  // out of memory: give up what is cached and try again
      release();
      return fresh(size, size);
    }
  }

  static void give_back(void* data) {
    if (data == nullptr) return;
    instance().live_ -= header_of(data).size;
    const size_t size = header_of(data).size_class;
    if (size == kPlaced) return;
    if (size == 0 || !instance().keep(data, size)) c10::free_cpu(base_of(data));
  }

  bool keep(void* data, size_t size) {
    const std::lock_guard lock(mutex_);
    if (cached_ + size > kLimit) return false;
    free_[size].push_back(data);
    cached_ += size;
    return true;
  }

  void count(size_t size) {
    const size_t live = live_ += size;
    size_t peak = peak_;
    while (live > peak && !peak_.compare_exchange_weak(peak, live)) {
    }
  }

  std::atomic<size_t> live_{0}, peak_{0};
  std::mutex mutex_;
  std::map<size_t, std::vector<void*>> free_;
  size_t cached_ = 0;
};

}  // namespace

NextAllocation::NextAllocation(void* data, std::size_t bytes) {
  next_data = data;
  next_bytes = bytes;
}

NextAllocation::~NextAllocation() { next_data = nullptr; }

void install_caching_allocator() {
  static std::once_flag once;
  std::call_once(once, [] { c10::SetCPUAllocator(&CachingAllocator::instance(), /*priority=*/1); });
}

void release_cached_memory() { CachingAllocator::instance().release(); }

MemoryUse memory_use() { return CachingAllocator::instance().use(); }

void reset_peak() { CachingAllocator::instance().reset_peak(); }

}  // namespace lm
