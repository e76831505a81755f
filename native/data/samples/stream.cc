#include "data/samples/stream.h"

#include "core/error.h"

namespace lm {

Encoded StreamSamples::read(int64_t, std::vector<uint8_t>& buffer) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !items_.empty() || ended_ || stopped_; });
  if (stopped_) throw EndOfSamples{};
  if (items_.empty()) {
    LM_CHECK(failure_.empty(), "ERR_DATASET", "The stream failed: ", failure_);
    throw EndOfSamples{};
  }
  buffer = std::move(items_.front().bytes);
  const int64_t label = items_.front().label;
  items_.pop_front();
  lock.unlock();
  changed_.notify_all();
  return {{buffer.data(), buffer.size()}, {}, label};
}

bool StreamSamples::push(std::vector<uint8_t> bytes, int64_t label) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return items_.size() < capacity_ || stopped_ || ended_; });
  if (stopped_ || ended_) return false;
  items_.push_back({std::move(bytes), label});
  lock.unlock();
  changed_.notify_all();
  return true;
}

void StreamSamples::end() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
}

void StreamSamples::fail_with(const std::string& reason) {
  {
    const std::lock_guard lock(mutex_);
    failure_ = reason.empty() ? "for no known reason" : reason;
  }
  end();
}

void StreamSamples::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
}

}  // namespace lm
