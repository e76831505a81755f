// Batches of decoded and augmented images, made ahead by threads of its own. What is in a batch depends on
// (seed, epoch, index) alone: not on the number of threads, nor on which batches were read before.
#pragma once

#include <ATen/ATen.h>

#include <chrono>
#include <condition_variable>
#include <exception>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/batch.h"
#include "data/samples/samples.h"
#include "data/transforms/transform.h"

namespace lm {

struct LoaderOptions {
  int64_t batch = 1;
  uint64_t seed = 0;
  // Training: an epoch is a random order of which the tail that fills no batch is dropped. Else every sample
  // once, in order.
  bool training = true;
  // Training: each image so often in an epoch, which is as long as without.
  int64_t repeats = 1;
  int64_t most = 0;  // batches of a pass that is not a training; 0: all
  // This process reads share `rank` of `world` of every step: all of them do equally many steps.
  int64_t rank = 0, world = 1;
  bool own = false;  // the samples are this rank's alone, and every rank has as many
  int threads = 0;   // 0: `at` makes the batch itself
  int prefetch = 2;  // batches that are made ahead
  int height = 0, width = 0, channels = 0;
  Decoding decoding{};
  bool throw_on_bad = false;  // else a bad image is replaced, or left out of an evaluation
  int64_t bad_limit = 100;    // of different images
  bool pinned = false;        // memory that a GPU can copy from
  // Label in a batch of every label of the samples, -1: no sample may have it; empty: as they are.
  std::vector<int64_t> classes{};
};

struct BadImage {
  std::string name, reason;
};

class Loader final : public BatchSource {
 public:
  Loader(std::shared_ptr<Samples> samples, std::shared_ptr<const Transform> transform,
         const LoaderOptions& options);
  ~Loader() override;

  int64_t height() const override { return options_.height; }
  int64_t width() const override { return options_.width; }
  int64_t channels() const override { return options_.channels; }
  int64_t classes() const override { return classes_; }
  int64_t batch() const override { return options_.batch; }
  int64_t batches() const override;
  bool is_stream() const override { return samples_->is_stream(); }
  Batch at(int64_t step) override;
  // Waits so long at most; whether `at` need not wait for others then (where there are no threads it makes
  // the batch itself).
  bool wait(int64_t step, std::chrono::milliseconds most);
  // Indices of the samples of the batch that `at` gave last.
  const std::vector<int64_t>& indices() const;

  // From any thread: `at` then returns no pixels, at once.
  void stop();
  // Images that could not be used, each once, since the last call.
  std::vector<BadImage> take_bad();

 private:
  struct Slot;
  struct Work;
  struct Maker;
  using Order = std::shared_ptr<const std::vector<int64_t>>;

  void run_thread();
  void turn_to(std::unique_lock<std::mutex>& lock, int64_t step);
  bool is_made(int64_t step) const;
  void restart(std::unique_lock<std::mutex>& lock, int64_t step);
  bool next_work(Work& work);
  void make(const Work& work, Maker& maker);
  int64_t sharers() const { return options_.own ? 1 : options_.world; }  // of the samples
  int64_t place_of_rank(int64_t place) const;
  int64_t number_of(int64_t index) const;
  void make_sample(Slot& slot, int64_t place, Maker& maker);
  int64_t draw(int64_t index, Rng rng, Maker& maker, uint8_t* out) const;
  int64_t label_of(const Encoded& file, int64_t index) const;
  void finish(const Work& work);
  void report(int64_t index, const std::string& reason);
  void compact(Slot& slot) const;
  Order order(int64_t epoch);
  Slot& slot_of(int64_t step) const;

  std::shared_ptr<Samples> samples_;
  std::shared_ptr<const Transform> transform_;
  LoaderOptions options_;
  int64_t image_bytes_ = 0;
  int64_t classes_ = 0;
  bool copied_ = false;  // pixels in memory go into a batch as they are
  int64_t run_ = 1;      // images that a thread takes at once: many where they are small

  mutable std::mutex mutex_;
  std::condition_variable wanted_, made_;
  bool stopping_ = false, pausing_ = false;
  std::exception_ptr failure_;  // of a thread, outside a batch
  // Step first_ is the one that `at` gave last or has to give next; as many steps as there are slots, from it
  // on, may be made. Work is handed out up to place_ of step next_.
  int64_t first_ = 0, next_ = 0, place_ = 0;
  int64_t end_ = std::numeric_limits<int64_t>::max();  // steps there are: a training may go on for ever
  int64_t busy_ = 0;                                   // threads at work
  std::vector<std::unique_ptr<Slot>> slots_;
  std::map<int64_t, Order> orders_;
  std::map<int64_t, std::string> bad_;
  std::vector<BadImage> untold_;
  std::unique_ptr<Maker> own_;  // where there are no threads
  std::vector<std::thread> threads_;
};

}  // namespace lm
