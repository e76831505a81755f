// Looks at every image of a data set on several threads and lists those that cannot be used: by decoding all
// of it, or by its first bytes alone, which is quick.
#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "data/codecs/decode.h"
#include "data/samples/samples.h"

namespace lm {

struct BadSample {
  int64_t index;
  std::string name, reason;
};

class Scan {
 public:
  // Starts at once. `samples` are files: there is nothing to decode in memory.
  // `of_heads`: lists those whose first bytes are of a format that is not decoded, which is the reason then;
  // what cannot be read is passed over.
  Scan(std::shared_ptr<Samples> samples, int threads, int64_t max_pixels, bool of_heads);
  ~Scan();  // stops

  int64_t done() const { return done_; }
  int64_t count() const { return samples_->count(); }
  // In the order in which they were found, since the last call. Throws what ended the look, such as a shard
  // that became shorter.
  std::vector<BadSample> take_bad();

 private:
  void run();
  void decode(int64_t i, Decoder& decoder, Image& image, std::vector<uint8_t>& buffer) const;
  std::string foreign_format(int64_t i) const;  // empty for others

  std::shared_ptr<Samples> samples_;
  int64_t max_pixels_;
  bool of_heads_;
  std::atomic<int64_t> next_{0}, done_{0};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<BadSample> bad_;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

}  // namespace lm
