// The images of a batch: which sample stands at a place of it, and what happens to one that cannot be used.
#include <cstring>
#include <optional>
#include <utility>

#include "core/error.h"
#include "data/loader/pixels.h"
#include "data/loader/slot.h"

namespace lm {
namespace {

constexpr int kReplacements = 64;

// The copies of an image draw as images of other numbers would, beyond those of every data set.
constexpr int kCopyBits = 48;

}  // namespace

// Where a place of this rank's batch is in that of all ranks together: ranks take turns, so that copies of an
// image go to different ones, as timm has it. Where there are none the second half goes the other way round:
// a batch mixed with its own reverse then mixes the same images with each other however many ranks there are.
int64_t Loader::place_of_rank(int64_t place) const {
  if (options_.own) return place;
  const bool is_front = options_.repeats > 1 || place < options_.batch / 2;
  return place * options_.world + (is_front ? options_.rank : options_.world - 1 - options_.rank);
}

// By which its draws are keyed: of no two images of all ranks the same.
int64_t Loader::number_of(int64_t index) const {
  return options_.own ? index * options_.world + options_.rank : index;
}

void Loader::make_sample(Slot& slot, int64_t place, Maker& maker) {
  const bool repeated = options_.training && options_.repeats > 1;
  const int64_t position = slot.step % batches() * sharers() * options_.batch + place_of_rank(place);
  int64_t& index = slot.indices[static_cast<size_t>(place)];
  index = -1;
  if (position >= samples_->count()) return;
  const int64_t copy = repeated ? position % options_.repeats : 0;
  const int64_t first =
      options_.training
          ? (*slot.order)[static_cast<size_t>(repeated ? position / options_.repeats : position)]
          : position;
  const int64_t key = number_of(first) + (copy << kCopyBits);
  const uint64_t epoch = options_.training ? static_cast<uint64_t>(slot.step / batches()) : 0;
  uint8_t* pixels = slot.pixels.data_ptr<uint8_t>() + place * slot.pixels.stride(0);
  Rng others(options_.seed, "replacement", epoch, static_cast<uint64_t>(key));
  int64_t candidate = first;
  for (int tries = 0; tries < kReplacements; ++tries) {
    try {
      slot.labels.data_ptr<int64_t>()[place] =
          draw(candidate, Rng(options_.seed, "augment", epoch, static_cast<uint64_t>(key)), maker, pixels);
      index = candidate;
      slot.keys[static_cast<size_t>(place)] = number_of(candidate) + (copy << kCopyBits);
      return;
    } catch (const EndOfSamples&) {
      return;
    } catch (const ImageError& e) {
      report(candidate, e.reason);
    }
    // Left out of an evaluation: another in its place would count twice.
    if (!options_.training && !samples_->is_stream()) return;
    candidate = static_cast<int64_t>(others.below(static_cast<uint64_t>(samples_->count())));
  }
  fail("ERR_DATASET", "Expected an image that can be used in place of `", samples_->name(first),
       "` but received ", kReplacements, " bad ones");
}

// One image of the batch; returns its label.
int64_t Loader::draw(int64_t index, Rng rng, Maker& maker, uint8_t* out) const {
  const Encoded file = samples_->read(index, maker.buffer);
  if (copied_) {
    std::memcpy(out, file.bytes.data(), file.bytes.size());
    return label_of(file, index);
  }
  if (const std::optional<RawSize> raw = samples_->raw()) {
    MemoryPixels pixels(file.bytes.data(), *raw);
    transform_->apply(pixels, rng, maker.scratch);
  } else {
    FilePixels pixels(maker.decoder, maker.decoder.open(file.bytes, options_.decoding, file.rows));
    transform_->apply(pixels, rng, maker.scratch);
  }
  const Image& image = maker.scratch.image;
  if (image.width() != options_.width || image.height() != options_.height)
    throw ImageError("its size is " + std::to_string(image.height()) + " x " + std::to_string(image.width()));
  store(image, options_.channels, out);
  return label_of(file, index);
}

int64_t Loader::label_of(const Encoded& file, int64_t index) const {
  if (options_.classes.empty()) return file.label;
  const auto place = static_cast<size_t>(file.label);
  const int64_t label = place < options_.classes.size() ? options_.classes[place] : -1;
  LM_CHECK(label >= 0, "ERR_DATASET", "Expected an image of a known class for `", samples_->name(index),
           "` but received the label ", file.label);
  return label;
}

// Remembers an image that cannot be used.
void Loader::report(int64_t index, const std::string& reason) {
  const std::string name = samples_->name(index);
  LM_CHECK(!options_.throw_on_bad, "ERR_IMAGE", "Expected an image that can be decoded for `", name,
           "` but received one that cannot: ", reason);
  const std::lock_guard lock(mutex_);
  if (bad_.emplace(index, reason).second) untold_.push_back({name, reason});
  // A known one too: it may have been met first in a batch that is made ahead and never asked for.
  LM_CHECK(static_cast<int64_t>(bad_.size()) <= options_.bad_limit, "ERR_DATASET", "Expected at most ",
           options_.bad_limit, " images that cannot be used but received more, the last `", name,
           "`: ", reason);
}

// An evaluation counts the samples that are there, and they come first. The lock is held.
void Loader::compact(Slot& slot) const {
  uint8_t* pixels = slot.pixels.data_ptr<uint8_t>();
  int64_t* labels = slot.labels.data_ptr<int64_t>();
  const auto bytes = static_cast<size_t>(slot.pixels.stride(0));
  size_t to = 0;
  for (size_t from = 0; from < slot.indices.size(); ++from) {
    if (slot.indices[from] < 0) continue;
    if (to != from) {
      slot.indices[to] = slot.indices[from];
      slot.keys[to] = slot.keys[from];
      labels[to] = labels[from];
      std::memcpy(pixels + to * bytes, pixels + from * bytes, bytes);
    }
    ++to;
  }
  slot.counted = static_cast<int64_t>(to);
  if (to > 0) return;
  labels[0] = 0;
  std::memset(pixels, 0, bytes);
}

}  // namespace lm
