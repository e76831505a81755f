#include "data/samples/shards.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "core/error.h"

namespace lm {
namespace {

// A quarter of the files that the process may open: others open some too.
size_t most_open() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 64;
  return static_cast<size_t>(std::clamp<rlim_t>(limit.rlim_cur / 4, 16, 4096));
}

int64_t seconds_now() {
  using std::chrono::steady_clock, std::chrono::seconds, std::chrono::duration_cast;
  return duration_cast<seconds>(steady_clock::now().time_since_epoch()).count();
}

[[noreturn]] void changed(const Shard& shard, const std::string& how) {
  fail("ERR_DATASET", "Expected the file that was indexed for `", shard.path, "` but received one that ",
       how);
}

void check_stamp(const Shard& shard, const FileStamp& now) {
  if (now.bytes < shard.stamp.bytes)
    changed(shard, "became shorter: " + std::to_string(now.bytes) + " of " +
                       std::to_string(shard.stamp.bytes) + " bytes are left");
  if (now != shard.stamp) changed(shard, "was changed or replaced since");
}

}  // namespace

Shards::Shards(std::vector<Shard> shards)
    : shards_(std::move(shards)),
      most_open_(most_open()),
      opened_(shards_.size()),
      looked_at_(std::make_unique<std::atomic<int64_t>[]>(shards_.size())) {}

void Shards::read(size_t i, int64_t position, std::span<uint8_t> out) {
  const File file = open(i);
  const int64_t read = file->read(position, out);
  const int error = errno;
  // After the bytes, for what is written is dated before it can be read.
  check(i, *file);
  if (read < 0) changed(shards_[i], std::string("cannot be read: ") + std::strerror(error));
  if (read < static_cast<int64_t>(out.size())) changed(shards_[i], "became shorter");
}

Shards::File Shards::open(size_t i) {
  const std::lock_guard lock(mutex_);
  Opened& opened = opened_[i];
  if (opened.file) {
    used_.splice(used_.begin(), used_, opened.place);
    return opened.file;
  }
  File file = std::make_shared<const OpenFile>(shards_[i].path);
  if (!file->problem().empty()) changed(shards_[i], "cannot be opened: " + file->problem());
  while (used_.size() >= most_open_) {
    opened_[used_.back()].file.reset();
    used_.pop_back();
  }
  used_.push_front(i);
  opened = {file, used_.begin()};
  return file;
}

// Whether it is still the file that was indexed. What has its path now is looked at once a second: a file
// that was renamed over it leaves the open one as it was.
void Shards::check(size_t i, const OpenFile& file) {
  const Shard& shard = shards_[i];
  check_stamp(shard, file.stamp());
  const int64_t now = seconds_now();
  if (looked_at_[i].exchange(now, std::memory_order_relaxed) == now) return;
  // One that was removed can be read as long as it is open.
  if (FileStamp found; stamp_of(shard.path, found)) check_stamp(shard, found);
}

}  // namespace lm
