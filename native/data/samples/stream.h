// Samples that arrive one by one from elsewhere, in no order that could be had again: read once, then gone.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>

#include "data/samples/samples.h"

namespace lm {

class StreamSamples final : public Samples {
 public:
  StreamSamples(std::optional<RawSize> raw, int64_t classes, int64_t capacity)
      : raw_(raw), classes_(classes), capacity_(static_cast<size_t>(capacity)) {}

  int64_t count() const override { return kUnknown; }
  int64_t classes() const override { return classes_; }
  std::optional<RawSize> raw() const override { return raw_; }
  bool is_stream() const override { return true; }
  std::string name(int64_t) const override { return "a sample of the stream"; }
  // The next that nobody has read; waits for it. Throws EndOfSamples behind the last.
  Encoded read(int64_t i, std::vector<uint8_t>& buffer) override;
  void stop() override;

  // Waits for room; false when nobody reads any more.
  bool push(std::vector<uint8_t> bytes, int64_t label);
  void end();                                 // nothing more comes
  void fail_with(const std::string& reason);  // for a reason that its reader is told

 private:
  struct Item {
    std::vector<uint8_t> bytes;
    int64_t label;
  };

  static constexpr int64_t kUnknown = int64_t{1} << 52;
  std::optional<RawSize> raw_;
  int64_t classes_;
  size_t capacity_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> items_;
  bool ended_ = false, stopped_ = false;
  std::string failure_;
};

}  // namespace lm
