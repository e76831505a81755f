// A source that ends where it fails, as if it had been stopped: the steps that were done count, and what
// failed is told beside them.
#pragma once

#include <exception>
#include <memory>
#include <utility>

#include "core/batch.h"

namespace lm::binding {

// On the thread that computes.
class EndingSource final : public BatchSource {
 public:
  explicit EndingSource(std::shared_ptr<BatchSource> source) : source_(std::move(source)) {}
  int64_t height() const override { return source_->height(); }
  int64_t width() const override { return source_->width(); }
  int64_t channels() const override { return source_->channels(); }
  int64_t classes() const override { return source_->classes(); }
  int64_t batch() const override { return source_->batch(); }
  int64_t batches() const override { return source_->batches(); }
  bool is_stream() const override { return source_->is_stream(); }
  Batch at(int64_t step) override {
    try {
      return source_->at(step);
    } catch (...) {
      failure_ = std::current_exception();
      return {};
    }
  }
  // Why it ended, once; null where nothing failed.
  std::exception_ptr take_failure() { return std::exchange(failure_, nullptr); }

 private:
  std::shared_ptr<BatchSource> source_;
  std::exception_ptr failure_;
};

}  // namespace lm::binding
