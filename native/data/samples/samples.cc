#include "data/samples/samples.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <utility>

#include "core/error.h"
#include "data/codecs/formats.h"

namespace lm {
namespace {

// Items from `first` on, in random order.
template <typename T>
void shuffle(std::vector<T>& items, size_t first, Rng& rng) {
  for (size_t i = items.size(); i > first + 1; --i)
    std::swap(items[i - 1], items[first + rng.below(i - first)]);
}

constexpr int64_t kLargestFile = int64_t{1} << 30;
constexpr int64_t kLargestUnknown = int64_t{1} << 24;

// Before memory is taken for a file of so many bytes; `head` reads its first ones.
template <typename Head>
void check_size(int64_t bytes, const Head& head) {
  if (bytes > kLargestFile) throw ImageError("more than 1 GiB");
  if (bytes <= kLargestUnknown) return;
  uint8_t first[kHeadBytes];
  const std::string_view format = format_of({first, head(first)});
  if (!is_decoded(format))
    throw ImageError("No JPEG, PNG, BMP or Netpbm file" +
                     (format.empty() ? "" : ", but " + std::string(format)));
}

}  // namespace

LabelledSamples::LabelledSamples(std::vector<int32_t> labels) : labels_(std::move(labels)) {
  LM_CHECK(!labels_.empty(), "ERR_DATASET", "Expected at least one image");
  LM_CHECK(*std::min_element(labels_.begin(), labels_.end()) >= 0, "ERR_DATASET", "A label is negative");
  classes_ = *std::max_element(labels_.begin(), labels_.end()) + int64_t{1};
}

MemorySamples::MemorySamples(at::Tensor images, std::vector<int32_t> labels)
    : LabelledSamples(std::move(labels)), images_(std::move(images)) {
  LM_CHECK(images_.dim() == 4 && images_.size(0) == count(), "ERR_DATASET",
           "Expected as many images as labels");
}

std::optional<RawSize> MemorySamples::raw() const {
  return RawSize{static_cast<int>(images_.size(1)), static_cast<int>(images_.size(2)),
                 static_cast<int>(images_.size(3))};
}

Encoded MemorySamples::read(int64_t i, std::vector<uint8_t>&) {
  const auto size = static_cast<size_t>(images_.stride(0));
  return {{images_.const_data_ptr<uint8_t>() + static_cast<size_t>(i) * size, size}, {}, label(i)};
}

FileSamples::FileSamples(std::string folder, std::string names, std::vector<int32_t> labels)
    : LabelledSamples(std::move(labels)), folder_(std::move(folder)), names_(std::move(names)) {
  LM_CHECK(names_.size() < UINT32_MAX, "ERR_DATASET", "The names of the files are longer than 4 GiB");
  for (size_t at = 0; at < names_.size(); at = names_.find('\0', at) + 1) {
    starts_.push_back(static_cast<uint32_t>(at));
    LM_CHECK(names_.find('\0', at) != std::string::npos, "ERR_DATASET", "A file name has no end");
  }
  LM_CHECK(static_cast<int64_t>(starts_.size()) == count(), "ERR_DATASET",
           "Expected as many files as labels");
}

std::string FileSamples::name(int64_t i) const {
  return folder_ + "/" + (names_.c_str() + starts_[static_cast<size_t>(i)]);
}

Encoded FileSamples::read(int64_t i, std::vector<uint8_t>& buffer) {
  const OpenFile file(name(i));
  if (!file.problem().empty()) throw ImageError(file.problem());
  const int64_t size = file.stamp().bytes;
  check_size(size, [&](std::span<uint8_t> first) {
    return static_cast<size_t>(std::max<int64_t>(0, file.read(0, first)));
  });
  buffer.resize(static_cast<size_t>(std::max<int64_t>(size, 0)));
  const int64_t read = file.read(0, buffer);
  if (read < 0) throw ImageError(std::strerror(errno));
  return {{buffer.data(), static_cast<size_t>(read)}, {}, label(i)};
}

size_t FileSamples::head(int64_t i, std::span<uint8_t> out) {
  const OpenFile file(name(i));
  return file.problem().empty() ? static_cast<size_t>(std::max<int64_t>(0, file.read(0, out))) : 0;
}

RangeSamples::RangeSamples(std::vector<Shard> files, std::vector<Range> ranges, std::vector<int32_t> labels,
                           int64_t window)
    : LabelledSamples(std::move(labels)),
      files_(std::move(files)),
      ranges_(std::move(ranges)),
      window_(window) {
  LM_CHECK(static_cast<int64_t>(ranges_.size()) == count(), "ERR_DATASET",
           "Expected as many ranges as labels");
  for (size_t i = 0; i < ranges_.size(); ++i) {
    const Range& range = ranges_[i];
    LM_CHECK(range.file < files_.count() && (window_ == 0 || i == 0 || ranges_[i - 1].file <= range.file),
             "ERR_DATASET", "The files of a data set are out of order");
    const auto size = static_cast<uint64_t>(files_[range.file].stamp.bytes);
    LM_CHECK(range.offset <= size && range.length <= size - range.offset &&
                 range.rows * uint64_t{4} <= range.length,
             "ERR_DATASET", "Expected ", range.offset + range.length, " bytes for `", files_[range.file].path,
             "` but received ", size);
  }
  checked_ = std::make_unique<std::atomic<bool>[]>(ranges_.size());
}

std::string RangeSamples::name(int64_t i) const {
  const Range& range = ranges_[static_cast<size_t>(i)];
  return files_[range.file].path + " at byte " + std::to_string(range.offset);
}

Encoded RangeSamples::read(int64_t i, std::vector<uint8_t>& buffer) {
  const Range& range = ranges_[static_cast<size_t>(i)];
  check_size(range.length, [&](std::span<uint8_t> first) { return head(i, first); });
  buffer.resize(range.length);
  files_.read(range.file, static_cast<int64_t>(range.offset), buffer);
  const std::span<const uint8_t> bytes = buffer;
  check(range, bytes, i);
  // The buffer begins on a multiple of four bytes, whatever its place in the file.
  const auto* rows = reinterpret_cast<const uint32_t*>(buffer.data());
  return {bytes.subspan(range.rows * sizeof(uint32_t)), {rows, range.rows}, label(i)};
}

// Through a file of its own: one that stays open would hide for a while that it was replaced.
size_t RangeSamples::head(int64_t i, std::span<uint8_t> out) {
  const Range& range = ranges_[static_cast<size_t>(i)];
  const OpenFile file(files_[range.file].path);
  if (!file.problem().empty()) return 0;
  const uint64_t before = range.rows * sizeof(uint32_t);
  const std::span<uint8_t> there = out.first(std::min<uint64_t>(out.size(), range.length - before));
  return static_cast<size_t>(
      std::max<int64_t>(0, file.read(static_cast<int64_t>(range.offset + before), there)));
}

void RangeSamples::check(const Range& range, std::span<const uint8_t> bytes, int64_t i) {
  std::atomic<bool>& checked = checked_[static_cast<size_t>(i)];
  if (range.crc == 0 || checked.load(std::memory_order_relaxed)) return;
  if (::crc32_z(0, bytes.data(), bytes.size()) != range.crc) throw ImageError("its checksum is wrong");
  checked.store(true, std::memory_order_relaxed);
}

// Files in random order; the samples of `window_` files that follow each other are shuffled together.
std::vector<int64_t> RangeSamples::shuffled(Rng rng) const {
  if (window_ == 0) return permutation(rng, count());
  std::vector<int64_t> starts(files_.count() + 1, count());
  for (int64_t i = count(); i-- > 0;) starts[ranges_[static_cast<size_t>(i)].file] = i;
  for (size_t f = files_.count(); f-- > 0;) starts[f] = std::min(starts[f], starts[f + 1]);
  std::vector<size_t> files(files_.count());
  std::iota(files.begin(), files.end(), size_t{0});
  shuffle(files, 0, rng);
  std::vector<int64_t> order;
  order.reserve(static_cast<size_t>(count()));
  size_t first = 0;
  for (size_t f = 0; f < files.size(); ++f) {
    for (int64_t i = starts[files[f]]; i < starts[files[f] + 1]; ++i) order.push_back(i);
    if ((static_cast<int64_t>(f) + 1) % window_ != 0 && f + 1 < files.size()) continue;
    shuffle(order, first, rng);
    first = order.size();
  }
  return order;
}

}  // namespace lm
