// Data sets in memory, and the order in which training and evaluation read them.
#pragma once

#include <ATen/ATen.h>

#include <memory>

#include "core/batch.h"

namespace lm {

// uint8 [count, h, w, c] and int64 labels [count]; never changes.
struct Source {
  Source(at::Tensor images, at::Tensor labels);

  at::Tensor images, labels;
  int64_t classes;

  int64_t count() const { return labels.size(0); }
};

// Endless shuffled batches: epoch e reads a permutation drawn from (seed, e); the tail that fills no batch is
// dropped.
class TrainingLoader final : public BatchSource {
 public:
  TrainingLoader(std::shared_ptr<const Source> source, int64_t batch, uint64_t seed);
  int64_t height() const override { return source_->images.size(1); }
  int64_t width() const override { return source_->images.size(2); }
  int64_t channels() const override { return source_->images.size(3); }
  int64_t classes() const override { return source_->classes; }
  int64_t batches() const override { return source_->count() / batch_; }
  Batch at(int64_t step) override;

 private:
  std::shared_ptr<const Source> source_;
  int64_t batch_;
  uint64_t seed_;
  int64_t epoch_ = -1;
  at::Tensor order_;
};

// Every sample once, in order; the last batch may be smaller.
class EvaluationLoader final : public BatchSource {
 public:
  EvaluationLoader(std::shared_ptr<const Source> source, int64_t batch)
      : source_(std::move(source)), batch_(batch) {}
  int64_t height() const override { return source_->images.size(1); }
  int64_t width() const override { return source_->images.size(2); }
  int64_t channels() const override { return source_->images.size(3); }
  int64_t classes() const override { return source_->classes; }
  int64_t batches() const override { return (source_->count() + batch_ - 1) / batch_; }
  Batch at(int64_t step) override;

 private:
  std::shared_ptr<const Source> source_;
  int64_t batch_;
};

}  // namespace lm
