#include "core/run/device_feed.h"

#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace lm {

DeviceFeed::DeviceFeed(std::shared_ptr<BatchSource> source, at::Device device)
    : source_(std::move(source)),
      device_(device),
      copying_(c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device)) {}

Batch DeviceFeed::at(int64_t step) {
  if (copied_) copied_->synchronize();
  Batch batch = source_->at(step);
  if (!batch.pixels.defined()) return batch;
  const c10::Stream computing = c10::impl::VirtualGuardImpl(device_.type()).getStream(device_);
  copied_.emplace(device_.type());
  {
    const c10::StreamGuard guard(copying_);
    for (at::Tensor* tensor : {&batch.pixels, &batch.labels})
      *tensor = tensor->to(device_, /*non_blocking=*/true);
    copied_->record(copying_);
  }
  copied_->block(computing);
  // The allocator must not give this memory away while the other stream reads it.
  for (const at::Tensor* tensor : {&batch.pixels, &batch.labels}) tensor->record_stream(computing);
  return batch;
}

std::shared_ptr<BatchSource> feed_to(std::shared_ptr<BatchSource> source, at::Device device) {
  if (device.is_cpu()) return source;
  return std::make_shared<DeviceFeed>(std::move(source), device);
}

}  // namespace lm
