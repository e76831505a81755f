// Large files that hold many images. They are read, not mapped: a mapped file that becomes shorter kills the
// process (SIGBUS), and some mounts cannot map. It costs a copy of the compressed bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "data/samples/open_file.h"

namespace lm {

// A file as it was when its index was made.
struct Shard {
  std::string path;
  FileStamp stamp;
};

// Shards that are open as long as they are in use, as many at a time as the process may. Any thread.
class Shards {
 public:
  explicit Shards(std::vector<Shard> shards);

  size_t count() const { return shards_.size(); }
  const Shard& operator[](size_t i) const { return shards_[i]; }
  // Fills `out` from a position of shard i. Throws ERR_DATASET naming it where it is no longer what it was
  // when it was indexed: shorter, written to, replaced by another, or not to be read.
  void read(size_t i, int64_t position, std::span<uint8_t> out);

 private:
  using File = std::shared_ptr<const OpenFile>;
  struct Opened {
    File file;
    std::list<size_t>::iterator place;  // in used_
  };

  File open(size_t i);
  void check(size_t i, const OpenFile& file);

  std::vector<Shard> shards_;
  size_t most_open_;
  std::mutex mutex_;
  std::vector<Opened> opened_;
  std::list<size_t> used_;  // those that are open, the last used first
  // When the path was looked at last, in seconds of the steady clock.
  std::unique_ptr<std::atomic<int64_t>[]> looked_at_;
};

}  // namespace lm
