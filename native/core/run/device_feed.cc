#include "core/run/device_feed.h"

#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace lm {
namespace {

// The host's tensor into the first rows of the place, which grows where it is too small.
at::Tensor copy_into(at::Tensor& place, const at::Tensor& host, at::Device device) {
  const bool fits =
      place.defined() && place.sizes().slice(1) == host.sizes().slice(1) && place.size(0) >= host.size(0);
  if (!fits) place = at::empty(host.sizes(), host.options().device(device).pinned_memory(false));
  at::Tensor rows = place.narrow(0, 0, host.size(0));
  rows.copy_(host, /*non_blocking=*/true);
  return rows;
}

}  // namespace

DeviceFeed::DeviceFeed(std::shared_ptr<BatchSource> source, at::Device device)
    : source_(std::move(source)),
      device_(device),
      copying_(c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device)) {}

// Memory goes back to the stream that it was taken by: its further work waits for what still reads it.
DeviceFeed::~DeviceFeed() {
  try {
    mark_read();
    for (Place& place : places_)
      if (place.read) place.read->block(copying_);
  } catch (const c10::Error&) {
    // The device is lost: nothing reads it any more.
  }
}

c10::Stream DeviceFeed::mark_read() {
  const c10::Stream computing = c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
  places_[current_].read.emplace(device_.type()).record(computing);
  return computing;
}

Batch DeviceFeed::at(int64_t step) {
  const c10::Stream computing = mark_read();
  if (copied_) copied_->synchronize();
  const Batch batch = source_->at(step);
  if (!batch.pixels.defined()) return batch;
  current_ = 1 - current_;
  Batch there = copy(batch, places_[current_]);
  copied_->block(computing);
  return there;
}

// Behind the work that reads what lies there.
Batch DeviceFeed::copy(const Batch& batch, Place& place) {
  const c10::StreamGuard guard(copying_);
  if (place.read) place.read->block(copying_);
  Batch there = batch;
  there.pixels = copy_into(place.pixels, batch.pixels, device_);
  there.labels = copy_into(place.labels, batch.labels, device_);
  copied_.emplace(device_.type()).record(copying_);
  return there;
}

std::shared_ptr<BatchSource> feed_to(std::shared_ptr<BatchSource> source, at::Device device) {
  if (device.is_cpu()) return source;
  return std::make_shared<DeviceFeed>(std::move(source), device);
}

}  // namespace lm
