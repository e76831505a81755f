#include "data/scan.h"

#include <utility>

#include "data/decode.h"

namespace lm {

Scan::Scan(std::shared_ptr<Samples> samples, int threads, int64_t max_pixels)
    : samples_(std::move(samples)), max_pixels_(max_pixels) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

Scan::~Scan() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
}

std::vector<BadSample> Scan::take_bad() {
  const std::lock_guard lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
  return std::exchange(bad_, {});
}

void Scan::run() {
  Decoder decoder;
  Image image;
  std::vector<uint8_t> buffer;
  for (int64_t i = next_++; i < count() && !stopping_; i = next_++) {
    std::string reason;
    try {
      const Encoded file = samples_->read(i, buffer);
      const ImageInfo info = decoder.open(file.bytes, {.max_pixels = max_pixels_});
      decoder.decode({0, 0, double(info.width), double(info.height)}, 1, image);
    } catch (const ImageError& e) {
      reason = e.reason;
    } catch (const std::bad_alloc&) {
      reason = "memory ran out";
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
      stopping_ = true;
    }
    if (!reason.empty()) {
      const std::lock_guard lock(mutex_);
      bad_.push_back({i, samples_->name(i), reason});
    }
    ++done_;
  }
}

}  // namespace lm
