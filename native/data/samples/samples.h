// Where images come from: pixels in memory, files of a folder, ranges of large files (tar shards, packed
// records). Read by many threads at once; never changes.
#pragma once

#include <ATen/ATen.h>

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/rng.h"
#include "data/pictures/image.h"
#include "data/samples/shards.h"

namespace lm {

// Thrown by a reader of samples whose number is not known, behind the last.
struct EndOfSamples {};

// An image as it is stored.
struct Encoded {
  std::span<const uint8_t> bytes;  // a file, or pixels
  std::span<const uint32_t> rows;  // of a packed JPEG file (data/decode.h)
  int64_t label = 0;
};

// Size of images that are pixels [height, width, channels], not files.
struct RawSize {
  int height, width, channels;
  int64_t bytes() const { return int64_t{height} * width * channels; }
};

class Samples {
 public:
  virtual ~Samples() = default;
  virtual int64_t count() const = 0;
  virtual int64_t classes() const = 0;  // labels are below this
  virtual std::optional<RawSize> raw() const { return std::nullopt; }

  // What a message calls sample i: a path, or a file and the place in it.
  virtual std::string name(int64_t i) const = 0;
  // Sample i, in `buffer` or in memory that stays; throws ImageError when it cannot be read, and an Error
  // when nothing of its file can be trusted.
  virtual Encoded read(int64_t i, std::vector<uint8_t>& buffer) = 0;
  // The first bytes of the file of sample i into `out`; returns how many: none where it cannot be read.
  virtual size_t head(int64_t, std::span<uint8_t>) { return 0; }
  // 0 .. count - 1 in random order, so that files are not read in too wild an order.
  virtual std::vector<int64_t> shuffled(Rng rng) const { return permutation(rng, count()); }
  // Each is read once, in no order; another read gives another.
  virtual bool is_stream() const { return false; }
  // A reader that waits gives up.
  virtual void stop() {}
};

// Samples that are known beforehand, with their labels.
class LabelledSamples : public Samples {
 public:
  explicit LabelledSamples(std::vector<int32_t> labels);
  int64_t count() const final { return static_cast<int64_t>(labels_.size()); }
  int64_t classes() const final { return classes_; }

 protected:
  int64_t label(int64_t i) const { return labels_[static_cast<size_t>(i)]; }

 private:
  std::vector<int32_t> labels_;
  int64_t classes_ = 0;
};

// uint8 [count, height, width, channels], not encoded.
class MemorySamples final : public LabelledSamples {
 public:
  MemorySamples(at::Tensor images, std::vector<int32_t> labels);
  std::optional<RawSize> raw() const override;
  std::string name(int64_t i) const override { return "image " + std::to_string(i); }
  Encoded read(int64_t i, std::vector<uint8_t>& buffer) override;

 private:
  at::Tensor images_;
};

// One file an image.
class FileSamples final : public LabelledSamples {
 public:
  // `names`: paths below `folder`, each ended by a zero byte.
  FileSamples(std::string folder, std::string names, std::vector<int32_t> labels);
  std::string name(int64_t i) const override;
  Encoded read(int64_t i, std::vector<uint8_t>& buffer) override;
  size_t head(int64_t i, std::span<uint8_t> out) override;

 private:
  std::string folder_, names_;
  std::vector<uint32_t> starts_;
};

struct Range {
  uint32_t file;
  uint32_t length;
  uint64_t offset;
  uint32_t crc;   // CRC-32 of the bytes; 0: not known
  uint32_t rows;  // so many offsets of rows stand before the image file, see src/data/records/format.ts
};

// Parts of large files.
class RangeSamples final : public LabelledSamples {
 public:
  // `window`: files whose samples are shuffled together, and which follow each other in `ranges`; 0: all are
  // shuffled, and in any order.
  RangeSamples(std::vector<Shard> files, std::vector<Range> ranges, std::vector<int32_t> labels,
               int64_t window);
  std::string name(int64_t i) const override;
  Encoded read(int64_t i, std::vector<uint8_t>& buffer) override;
  size_t head(int64_t i, std::span<uint8_t> out) override;
  std::vector<int64_t> shuffled(Rng rng) const override;

 private:
  void check(const Range& range, std::span<const uint8_t> bytes, int64_t i);

  Shards files_;
  std::vector<Range> ranges_;
  int64_t window_;
  // Whose checksum was right already: it is looked at once.
  std::unique_ptr<std::atomic<bool>[]> checked_;
};

}  // namespace lm
