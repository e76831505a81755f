#include "data/samples/scan.h"

#include <utility>

#include "data/codecs/formats.h"

namespace lm {

Scan::Scan(std::shared_ptr<Samples> samples, int threads, int64_t max_pixels, bool of_heads)
    : samples_(std::move(samples)), max_pixels_(max_pixels), of_heads_(of_heads) {
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
      if (of_heads_)
        reason = foreign_format(i);
      else
        decode(i, decoder, image, buffer);
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

void Scan::decode(int64_t i, Decoder& decoder, Image& image, std::vector<uint8_t>& buffer) const {
  const Encoded file = samples_->read(i, buffer);
  const ImageInfo info = decoder.open(file.bytes, {.max_pixels = max_pixels_});
  decoder.decode({0, 0, double(info.width), double(info.height)}, 1, image);
}

std::string Scan::foreign_format(int64_t i) const {
  uint8_t head[kHeadBytes];
  const std::string_view format = format_of({head, samples_->head(i, head)});
  return is_decoded(format) ? "" : std::string(format);
}

}  // namespace lm
