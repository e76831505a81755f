// Brings batches to a device beside its work: copied on a stream of their own, from memory that is pinned,
// into one of two places in turn.
#pragma once

#include <c10/core/Event.h>
#include <c10/core/Stream.h>

#include <array>
#include <memory>
#include <optional>

#include "core/batch.h"

namespace lm {

// The host runs ahead of the device, so that the copy of a batch goes on while the step before is computed.
class DeviceFeed final : public BatchSource {
 public:
  DeviceFeed(std::shared_ptr<BatchSource> source, at::Device device);
  ~DeviceFeed() override;
  int64_t height() const override { return source_->height(); }
  int64_t width() const override { return source_->width(); }
  int64_t channels() const override { return source_->channels(); }
  int64_t classes() const override { return source_->classes(); }
  int64_t batch() const override { return source_->batch(); }
  int64_t batches() const override { return source_->batches(); }
  bool is_stream() const override { return source_->is_stream(); }
  Batch at(int64_t step) override;

 private:
  // Where every other batch lies.
  struct Place {
    at::Tensor pixels, labels;
    std::optional<c10::Event> read;  // the device is done with the batch that lies there
  };

  Batch copy(const Batch& batch, Place& place);
  // The work so far reads what was given last.
  c10::Stream mark_read();

  std::shared_ptr<BatchSource> source_;
  at::Device device_;
  c10::Stream copying_;
  std::array<Place, 2> places_;
  size_t current_ = 0;                // place of the batch that was given last
  std::optional<c10::Event> copied_;  // that batch, whose memory of the host the source fills again
};

// A feed to the device; on the CPU the source itself.
std::shared_ptr<BatchSource> feed_to(std::shared_ptr<BatchSource> source, at::Device device);

}  // namespace lm
