// A loader whose batches are waited for in short pieces, between which other work passes: the compute thread
// is everybody's.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "core/batch.h"
#include "data/loader/loader.h"

namespace lm::binding {

// On the compute thread. `meanwhile` may throw.
class WaitingSource final : public BatchSource {
 public:
  WaitingSource(std::shared_ptr<Loader> loader, std::function<void()> meanwhile)
      : loader_(std::move(loader)), meanwhile_(std::move(meanwhile)) {}
  int64_t height() const override { return loader_->height(); }
  int64_t width() const override { return loader_->width(); }
  int64_t channels() const override { return loader_->channels(); }
  int64_t classes() const override { return loader_->classes(); }
  int64_t batch() const override { return loader_->batch(); }
  int64_t batches() const override { return loader_->batches(); }
  bool is_stream() const override { return loader_->is_stream(); }
  Batch at(int64_t step) override {
    while (!loader_->wait(step, std::chrono::milliseconds(5))) meanwhile_();
    return loader_->at(step);
  }

 private:
  std::shared_ptr<Loader> loader_;
  std::function<void()> meanwhile_;
};

}  // namespace lm::binding
