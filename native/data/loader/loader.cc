#include "data/loader/loader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/error.h"
#include "data/loader/pixels.h"

namespace lm {
namespace {

// Images of about this many bytes are handed out at once, so that locking costs nothing beside them.
constexpr int64_t kBytesAtOnce = 1 << 16;
constexpr int kReplacements = 64;

}  // namespace

// One batch under way.
struct Loader::Slot {
  int64_t step = -1, left = 0, counted = 0;
  Order order;
  at::Tensor pixels, labels;
  std::vector<int64_t> indices;  // -1: no sample
  std::exception_ptr error;
};

// Places [first, last) of a slot.
struct Loader::Work {
  Slot* slot = nullptr;
  int64_t first = 0, last = 0;
};

// What one thread needs.
struct Loader::Maker {
  Decoder decoder;
  TransformScratch scratch;
  std::vector<uint8_t> buffer;
};

Loader::Loader(std::shared_ptr<Samples> samples, std::shared_ptr<const Transform> transform,
               const LoaderOptions& options)
    : samples_(std::move(samples)), transform_(std::move(transform)), options_(options) {
  const LoaderOptions& o = options_;
  LM_CHECK(o.batch > 0 && o.height > 0 && o.width > 0 && o.channels > 0, "ERR_CONFIG",
           "A batch needs at least one image");
  LM_CHECK(o.world > 0 && o.rank >= 0 && o.rank < o.world && o.threads >= 0 && o.prefetch > 0, "ERR_CONFIG",
           "Expected a rank below the world size and a batch to make ahead");
  LM_CHECK(batches() > 0, "ERR_DATASET", "The data has ", samples_->count(),
           " images, which is fewer than one step takes");
  if (!o.training) end_ = batches();
  classes_ = o.classes.empty() ? samples_->classes()
                               : *std::max_element(o.classes.begin(), o.classes.end()) + int64_t{1};
  const auto raw = samples_->raw();
  image_bytes_ = int64_t{o.height} * o.width * o.channels;
  copied_ = raw && transform_->empty() && raw->height == o.height && raw->width == o.width &&
            raw->channels == o.channels;
  const auto is_colour = [](int channels) { return channels == 1 || channels == 3; };
  LM_CHECK(copied_ || (is_colour(o.channels) && (!raw || is_colour(raw->channels))), "ERR_CONFIG",
           "Only images of one or three channels can be changed");
  run_ = std::clamp<int64_t>(kBytesAtOnce / image_bytes_, 1, o.batch);
  // One more than is made ahead: the one that was given is in use.
  const int slots = o.threads == 0 ? 1 : o.prefetch + 1;
  const auto memory = at::TensorOptions().dtype(at::kByte).pinned_memory(o.pinned);
  for (int i = 0; i < slots; ++i) {
    auto slot = std::make_unique<Slot>();
    slot->pixels = at::empty({o.batch, o.height, o.width, o.channels}, memory);
    slot->labels = at::empty({o.batch}, memory.dtype(at::kLong));
    slot->indices.resize(static_cast<size_t>(o.batch));
    slots_.push_back(std::move(slot));
  }
  if (o.threads == 0) own_ = std::make_unique<Maker>();
  for (int i = 0; i < o.threads; ++i) threads_.emplace_back([this] { run_thread(); });
}

Loader::~Loader() {
  stop();
  for (std::thread& thread : threads_) thread.join();
}

int64_t Loader::batches() const {
  const int64_t all = options_.batch * options_.world, count = samples_->count();
  if (options_.training) return count / all;
  const int64_t batches = (count + all - 1) / all;
  return options_.most > 0 ? std::min(batches, options_.most) : batches;
}

void Loader::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  samples_->stop();
  wanted_.notify_all();
  made_.notify_all();
}

std::vector<BadImage> Loader::take_bad() {
  const std::lock_guard lock(mutex_);
  return std::exchange(untold_, {});
}

Loader::Slot& Loader::slot_of(int64_t step) const {
  return *slots_[static_cast<size_t>(step % static_cast<int64_t>(slots_.size()))];
}

const std::vector<int64_t>& Loader::indices() const { return slot_of(first_).indices; }

// The order of an epoch; two are kept. The lock is held.
Loader::Order Loader::order(int64_t epoch) {
  Order& found = orders_[epoch];
  if (!found)
    found = std::make_shared<const std::vector<int64_t>>(
        samples_->shuffled(Rng(options_.seed, "order", static_cast<uint64_t>(epoch))));
  const Order kept = found;
  std::erase_if(orders_, [&](const auto& entry) { return entry.first + 1 < epoch || entry.first > epoch; });
  return kept;
}

// Takes the next places to fill; false where all that may be made is taken. The lock is held.
bool Loader::next_work(Work& work) {
  if (pausing_ || next_ >= first_ + static_cast<int64_t>(slots_.size()) || next_ >= end_) return false;
  Slot& slot = slot_of(next_);
  if (place_ == 0) {
    slot.order = options_.training ? order(next_ / batches()) : nullptr;
    slot.step = next_;
    slot.left = options_.batch;
    slot.error = nullptr;
  }
  work = {&slot, place_, std::min(place_ + run_, options_.batch)};
  place_ = work.last % options_.batch;
  if (place_ == 0) ++next_;
  return true;
}

void Loader::run_thread() {
  std::unique_lock lock(mutex_);
  try {
    Maker maker;
    for (Work work;;) {
      wanted_.wait(lock, [&] { return stopping_ || next_work(work); });
      if (stopping_) return;
      ++busy_;
      lock.unlock();
      make(work, maker);
      lock.lock();
      --busy_;
      finish(work);
    }
  } catch (...) {
    failure_ = std::current_exception();
    made_.notify_all();
  }
}

// The lock is held.
void Loader::finish(const Work& work) {
  work.slot->left -= work.last - work.first;
  if (work.slot->left == 0) compact(*work.slot);
  if (work.slot->left == 0 || busy_ == 0) made_.notify_all();
}

// Forgets what was made ahead.
void Loader::restart(std::unique_lock<std::mutex>& lock, int64_t step) {
  pausing_ = true;
  made_.wait(lock, [&] { return busy_ == 0; });
  pausing_ = false;
  first_ = next_ = step;
  place_ = 0;
  for (auto& slot : slots_) slot->step = -1;
}

// The lock is held.
bool Loader::is_made(int64_t step) const {
  const Slot& slot = slot_of(step);
  return slot.step == step && slot.left == 0;
}

// Has the batches from a step on made. The lock is held.
void Loader::turn_to(std::unique_lock<std::mutex>& lock, int64_t step) {
  LM_CHECK(step >= 0 && step < end_, "ERR_CONFIG", "There is no batch ", step);
  if (step == first_ + 1 && is_made(first_))
    first_ = step;
  else if (step != first_)
    restart(lock, step);
  wanted_.notify_all();
}

bool Loader::wait(int64_t step, std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  turn_to(lock, step);
  return own_ || made_.wait_for(lock, most, [&] { return stopping_ || failure_ || is_made(step); });
}

Batch Loader::at(int64_t step) {
  std::unique_lock lock(mutex_);
  turn_to(lock, step);
  for (Work work; own_ && !stopping_ && !is_made(step) && next_work(work);) {
    lock.unlock();
    make(work, *own_);
    lock.lock();
    finish(work);
  }
  made_.wait(lock, [&] { return stopping_ || failure_ || is_made(step); });
  if (stopping_) return {};
  const Slot& slot = slot_of(step);
  const std::exception_ptr error = failure_ ? failure_ : slot.error;
  if (error) std::rethrow_exception(error);
  const int64_t size = std::max<int64_t>(slot.counted, 1);
  return {slot.pixels.slice(0, 0, size),
          slot.labels.slice(0, 0, size),
          slot.counted,
          {slot.indices.data(), static_cast<size_t>(size)}};
}

void Loader::make(const Work& work, Maker& maker) {
  try {
    for (int64_t place = work.first; place < work.last; ++place) make_sample(*work.slot, place, maker);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!work.slot->error) work.slot->error = std::current_exception();
  }
}

void Loader::make_sample(Slot& slot, int64_t place, Maker& maker) {
  const int64_t position = (slot.step % batches() * options_.world + options_.rank) * options_.batch + place;
  int64_t& index = slot.indices[static_cast<size_t>(place)];
  index = -1;
  if (position >= samples_->count()) return;
  const int64_t first = options_.training ? (*slot.order)[static_cast<size_t>(position)] : position;
  const uint64_t epoch = options_.training ? static_cast<uint64_t>(slot.step / batches()) : 0;
  uint8_t* pixels = slot.pixels.data_ptr<uint8_t>() + place * slot.pixels.stride(0);
  Rng others(options_.seed, "replacement", epoch, static_cast<uint64_t>(first));
  int64_t candidate = first;
  for (int tries = 0; tries < kReplacements; ++tries) {
    try {
      slot.labels.data_ptr<int64_t>()[place] =
          draw(candidate, Rng(options_.seed, "augment", epoch, static_cast<uint64_t>(first)), maker, pixels);
      index = candidate;
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
