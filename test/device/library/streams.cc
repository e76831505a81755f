#include "streams.h"

#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "counters.h"

namespace lm::device {
namespace {

struct Work {
  std::string what;
  std::function<void()> run;
  std::optional<Mark> after;   // instead of work: that this is done
  bool is_for_memory = false;  // done by a lost device too
};

struct Stream {
  std::deque<Work> queue;
  int64_t enqueued = 0, done = 0, demanded = 0;
};

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

// Leaked, with its worker: tensors may outlive every static object at exit.
class Device {
 public:
  static Device& instance() {
    static auto* device = new Device;
    return *device;
  }

  void set_schedule(Schedule schedule) {
    const std::lock_guard lock(mutex_);
    schedule_ = schedule;
    changed_.notify_all();
  }

  int64_t new_stream() { return next_stream_++; }

  void enqueue(int64_t stream, Work work) {
    const std::lock_guard lock(mutex_);
    Stream& s = streams_[stream];
    s.queue.push_back(std::move(work));
    ++s.enqueued;
    if (schedule_ == Schedule::kAhead) changed_.notify_all();
  }

  Mark mark(int64_t stream) {
    const std::lock_guard lock(mutex_);
    return {stream, streams_[stream].enqueued};
  }

  bool is_done(const Mark& mark) {
    const std::lock_guard lock(mutex_);
    return failure_ || streams_[mark.stream].done >= mark.count;
  }

  void wait(const Mark& mark) {
    std::unique_lock lock(mutex_);
    Stream& s = streams_[mark.stream];
    s.demanded = std::max(s.demanded, mark.count);
    changed_.notify_all();
    done_.wait(lock, [&] { return failure_ || s.done >= mark.count; });
    if (failure_) std::rethrow_exception(failure_);
  }

  void check_alive() {
    const std::lock_guard lock(mutex_);
    if (!failure_ && launches_left_-- <= 0) failure_ = loss("a launch");
    if (failure_) std::rethrow_exception(failure_);
  }

  void lose_at_launch(int64_t pieces) {
    const std::lock_guard lock(mutex_);
    launches_left_ = pieces;
  }

  void lose_after(int64_t pieces) {
    const std::lock_guard lock(mutex_);
    left_ = pieces;
  }

  void recover() {
    std::unique_lock lock(mutex_);
    left_ = 0;
    for (auto& [id, s] : streams_) s.demanded = s.enqueued;  // others may go on to give memory back
    changed_.notify_all();
    done_.wait(lock, [&] {
      return std::all_of(streams_.begin(), streams_.end(),
                         [](const auto& s) { return s.second.done >= s.second.demanded; });
    });
    failure_ = nullptr;
    left_ = launches_left_ = kNever;
  }

 private:
  Device() {
    std::thread([this] { loop(); }).detach();
  }

  void loop() {
    const at::AutoDispatchBelowADInplaceOrView below;
    omp_set_num_threads(1);
    std::unique_lock lock(mutex_);
    for (;;) {
      Stream* next = nullptr;
      changed_.wait(lock, [&] { return (next = find_ready()) != nullptr; });
      Work work = std::move(next->queue.front());
      next->queue.pop_front();
      const bool lost = !work.is_for_memory && (failure_ || left_-- <= 0);
      lock.unlock();
      std::exception_ptr failure;
      if (!work.after) failure = attempt(work, lost);
      lock.lock();
      ++next->done;
      if (failure && !failure_) failure_ = failure;
      done_.notify_all();
    }
  }

  static std::exception_ptr loss(const std::string& before) {
    return std::make_exception_ptr(c10::AcceleratorError({}, 0, "the device was lost before " + before));
  }

  static std::exception_ptr attempt(const Work& work, bool lost) {
    if (lost) return loss(work.what);
    try {
      work.run();
      return nullptr;
    } catch (...) {
      return std::current_exception();
    }
  }

  bool wants_more(int64_t id, const Stream& s) const {
    const bool ahead = schedule_ == Schedule::kAhead && id != kDefaultStream;
    return s.done < s.enqueued && (ahead || s.done < s.demanded);
  }

  // A stream whose next work is wanted and may be done. What it waits for is wanted too.
  Stream* find_ready() {
    for (bool again = true; again;) {
      again = false;
      for (auto& [id, s] : streams_) {
        if (!wants_more(id, s)) continue;
        const auto& after = s.queue.front().after;
        if (!after || streams_[after->stream].done >= after->count) return &s;
        Stream& other = streams_[after->stream];
        again |= other.demanded < after->count;
        other.demanded = std::max(other.demanded, after->count);
      }
    }
    return nullptr;
  }

  std::mutex mutex_;
  std::condition_variable changed_, done_;
  std::map<int64_t, Stream> streams_;
  std::atomic<int64_t> next_stream_{1};
  Schedule schedule_ = Schedule::kLate;
  std::exception_ptr failure_;
  int64_t left_ = kNever, launches_left_ = kNever;  // pieces of work, done and given
};

thread_local int64_t current = kDefaultStream;

}  // namespace

class Recorded {
 public:
  int64_t stream;
  std::vector<Work> work;
};

namespace {

thread_local std::shared_ptr<Recorded> recording;

void give(int64_t stream, Work work) {
  if (recording != nullptr && recording->stream == stream)
    recording->work.push_back(std::move(work));
  else
    Device::instance().enqueue(stream, std::move(work));
}

}  // namespace

void begin_recording(int64_t stream) {
  recording = std::make_shared<Recorded>();
  recording->stream = stream;
}

std::shared_ptr<const Recorded> end_recording() { return std::exchange(recording, nullptr); }

void replay(const Recorded& recorded, int64_t stream) {
  ++counters().replays;
  Device::instance().check_alive();
  for (const Work& work : recorded.work) {
    if (!work.is_for_memory) ++counters().kernels;
    Device::instance().enqueue(stream, work);
  }
}

bool is_recording() { return recording != nullptr; }

void check_not_recording(const std::string& what) {
  TORCH_CHECK(!is_recording(), what, " while the work of a stream is recorded");
}

Counters& counters() {
  static auto* all = new Counters;
  return *all;
}

Faults& faults() {
  static auto* all = new Faults;
  return *all;
}

void set_schedule(Schedule schedule) { Device::instance().set_schedule(schedule); }

int64_t new_stream() { return Device::instance().new_stream(); }

int64_t current_stream() { return current; }

int64_t exchange_current_stream(int64_t stream) { return std::exchange(current, stream); }

void enqueue(int64_t stream, std::string what, std::function<void()> work) {
  give(stream, {std::move(what), std::move(work), std::nullopt, false});
}

void enqueue_for_memory(int64_t stream, std::function<void()> work) {
  give(stream, {"memory", std::move(work), std::nullopt, true});
}

Mark mark(int64_t stream) { return Device::instance().mark(stream); }

bool is_done(const Mark& mark) { return Device::instance().is_done(mark); }

void wait_in_stream(int64_t stream, const Mark& mark) {
  const auto& left_out =
      stream == kDefaultStream ? faults().no_waits_of_kernels : faults().no_waits_of_copies;
  if (recording != nullptr && recording->stream == stream) check_not_recording("a wait for another stream");
  if (!left_out) Device::instance().enqueue(stream, {"a wait", {}, mark, true});
}

void wait_on_host(const Mark& mark) {
  check_not_recording("a wait of the host");
  Device::instance().wait(mark);
}

void lose_after(int64_t pieces) { Device::instance().lose_after(pieces); }

void lose_at_launch(int64_t pieces) { Device::instance().lose_at_launch(pieces); }

void recover() { Device::instance().recover(); }

void check_alive() { Device::instance().check_alive(); }

}  // namespace lm::device
