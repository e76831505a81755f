// Brings batches to a device beside its work: copied on a stream of their own, from memory that is pinned.
#pragma once

#include <c10/core/Event.h>
#include <c10/core/Stream.h>

#include <memory>
#include <optional>

#include "core/batch.h"

namespace lm {

// The host runs ahead of the device, so that the copy of a batch goes on while the step before is computed.
class DeviceFeed final : public BatchSource {
 public:
  DeviceFeed(std::shared_ptr<BatchSource> source, at::Device device);
  int64_t height() const override { return source_->height(); }
  int64_t width() const override { return source_->width(); }
  int64_t channels() const override { return source_->channels(); }
  int64_t classes() const override { return source_->classes(); }
  int64_t batch() const override { return source_->batch(); }
  int64_t batches() const override { return source_->batches(); }
  bool is_stream() const override { return source_->is_stream(); }
  Batch at(int64_t step) override;

 private:
  std::shared_ptr<BatchSource> source_;
  at::Device device_;
  c10::Stream copying_;
  std::optional<c10::Event> copied_;  // of the batch before, whose memory the source fills again
};

// A feed to the device; on the CPU the source itself.
std::shared_ptr<BatchSource> feed_to(std::shared_ptr<BatchSource> source, at::Device device);

}  // namespace lm
