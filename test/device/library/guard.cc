// What libtorch asks of any device: guards, streams, events, allocators.

#include <ATen/ATen.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "counters.h"
#include "memory.h"
#include "streams.h"

namespace lm::device {
namespace {

constexpr auto kType = c10::DeviceType::PrivateUse1;
const c10::Device the_device{kType, 0};

c10::Stream stream_of(int64_t id) { return c10::Stream(c10::Stream::UNSAFE, the_device, id); }

void check_index(c10::Device device) {
  TORCH_CHECK(device.index() <= 0, "there is one test device, and its index is 0, not ",
              static_cast<int>(device.index()));
}

struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return kType; }
  c10::Device exchangeDevice(c10::Device device) const override {
    check_index(device);
    return the_device;
  }
  c10::Device getDevice() const override { return the_device; }
  void setDevice(c10::Device device) const override { check_index(device); }
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }

  c10::Stream getStream(c10::Device) const override { return stream_of(current_stream()); }
  c10::Stream getDefaultStream(c10::Device) const override { return stream_of(kDefaultStream); }
  c10::Stream getStreamFromGlobalPool(c10::Device, bool) const override { return stream_of(new_stream()); }
  c10::Stream getNewStream(c10::Device, int) const override { return stream_of(new_stream()); }
  c10::Stream exchangeStream(c10::Stream stream) const override {
    return stream_of(exchange_current_stream(stream.id()));
  }
  void* getStreamNativeHandle(const c10::Stream stream) const override {
    return reinterpret_cast<void*>(stream.id());
  }
  bool queryStream(const c10::Stream& stream) const override { return is_done(mark(stream.id())); }
  void synchronizeStream(const c10::Stream& stream) const override {
    ++counters().stream_waits;
    wait_on_host(mark(stream.id()));
  }
  void synchronizeDevice(c10::DeviceIndex) const override {
    TORCH_CHECK(false, "the program is not to wait for the whole device");
  }

  void record(void** event, const c10::Stream& stream, c10::DeviceIndex, c10::EventFlag) const override {
    if (*event == nullptr) *event = new Mark;
    *static_cast<Mark*>(*event) = mark(stream.id());
  }
  void block(void* event, const c10::Stream& stream) const override {
    if (event != nullptr) wait_in_stream(stream.id(), *static_cast<Mark*>(event));
  }
  bool queryEvent(void* event) const override {
    return event == nullptr || is_done(*static_cast<Mark*>(event));
  }
  void synchronizeEvent(void* event) const override {
    if (event == nullptr || faults().no_host_waits) return;
    ++counters().event_waits;
    wait_on_host(*static_cast<Mark*>(event));
  }
  void destroyEvent(void* event, c10::DeviceIndex) const noexcept override {
    delete static_cast<Mark*>(event);
  }
  void recordDataPtrOnStream(const c10::DataPtr& data, const c10::Stream& stream) const override {
    if (data.get() != nullptr) used_by(data.get(), stream.id());
  }
};

C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard)

struct DeviceAllocator final : c10::DeviceAllocator {
  c10::DataPtr allocate(size_t bytes) override {
    check_alive();
    void* const data = bytes == 0 ? nullptr : take(bytes, current_stream());
    return {data, data, &DeviceAllocator::free, the_device};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &DeviceAllocator::free; }
  void copy_data(void*, const void*, size_t) const override {
    TORCH_CHECK(false, "memory of the test device is copied by its kernels");
  }
  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t) override {}
  void recordStream(const c10::DataPtr& data, c10::Stream stream) override {
    if (data.get() != nullptr) used_by(data.get(), stream.id());
  }
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex) override { return {}; }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex) override {}
  std::pair<size_t, size_t> getMemoryInfo(c10::DeviceIndex) override {
    const MemoryCount now = memory_count();
    return {now.limit - now.live, now.limit};
  }

 private:
  static void free(void* data) {
    if (data != nullptr) give_back(data);
  }
};

struct PinnedAllocator final : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) override {
    void* const data = take_pinned(bytes);
    return {data, data, &give_back_pinned, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &give_back_pinned; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
};

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return 1; }
  c10::DeviceIndex getCurrentDevice() const override { return 0; }
  void setCurrentDevice(c10::DeviceIndex) const override {}
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex) const override { return 0; }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex) const override { return 0; }
  bool isPinnedPtr(const void* data) const override { return is_pinned(data); }
  c10::Device getDeviceFromPtr(void* data) const override {
    TORCH_CHECK(data == nullptr || is_device_address(data), "memory of the host was said to be the device's");
    return the_device;
  }
  c10::Allocator* getPinnedMemoryAllocator() const override {
    static auto* allocator = new PinnedAllocator;
    return allocator;
  }
};

const bool registered = [] {
  c10::SetAllocator(kType, new DeviceAllocator);
  at::RegisterPrivateUse1HooksInterface(new Hooks);
  c10::register_privateuse1_backend("testdevice");
  return true;
}();

}  // namespace
}  // namespace lm::device
