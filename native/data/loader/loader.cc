#include "data/loader/loader.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "data/loader/slot.h"

namespace lm {
namespace {

// Images of about this many bytes are handed out at once, so that locking costs nothing beside them.
constexpr int64_t kBytesAtOnce = 1 << 16;

}  // namespace

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
    slot->keys.resize(static_cast<size_t>(o.batch));
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
  const int64_t all = options_.batch * sharers(), count = samples_->count();
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
          {slot.keys.data(), static_cast<size_t>(size)}};
}

void Loader::make(const Work& work, Maker& maker) {
  try {
    for (int64_t place = work.first; place < work.last; ++place) make_sample(*work.slot, place, maker);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!work.slot->error) work.slot->error = std::current_exception();
  }
}

}  // namespace lm
