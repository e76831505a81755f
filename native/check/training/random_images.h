// Seeded random images and labels in memory: what a check trains on, without the loader and its codecs.
#pragma once

#include "core/batch.h"
#include "core/rng.h"

namespace lm {

// Four batches, in turn, again and again.
class RandomImages final : public BatchSource {
 public:
  struct Sizes {
    int64_t batch, size, channels, classes;
  };

  // `pinned`: for copies to a device beside its work.
  RandomImages(const Sizes& sizes, uint64_t seed, bool pinned) : sizes_(sizes) {
    const int64_t count = kBatches * sizes.batch;
    const auto options = at::TensorOptions().pinned_memory(pinned);
    pixels_ = at::empty({count, sizes.size, sizes.size, sizes.channels}, options.dtype(at::kByte));
    labels_ = at::empty({count}, options.dtype(at::kLong));
    Rng rng(seed, "images");
    for (int64_t i = 0; i < pixels_.numel(); ++i)
      pixels_.data_ptr<uint8_t>()[i] = static_cast<uint8_t>(rng.next());
    for (int64_t i = 0; i < count; ++i)
      labels_.data_ptr<int64_t>()[i] = static_cast<int64_t>(rng.below(static_cast<uint64_t>(sizes.classes)));
  }

  const at::Tensor& pixels() const { return pixels_; }
  const at::Tensor& labels() const { return labels_; }

  int64_t height() const override { return sizes_.size; }
  int64_t width() const override { return sizes_.size; }
  int64_t channels() const override { return sizes_.channels; }
  int64_t classes() const override { return sizes_.classes; }
  int64_t batch() const override { return sizes_.batch; }
  int64_t batches() const override { return kBatches; }
  bool is_stream() const override { return false; }
  Batch at(int64_t step) override {
    const int64_t first = step % kBatches * sizes_.batch;
    return {pixels_.narrow(0, first, sizes_.batch), labels_.narrow(0, first, sizes_.batch), sizes_.batch, {}};
  }

 private:
  static constexpr int64_t kBatches = 4;

  Sizes sizes_;
  at::Tensor pixels_, labels_;
};

}  // namespace lm
