// Batches of a training whose work on the device is recorded, so that the next one of its kind takes one call
// of the host.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/batch.h"
#include "core/capture/recording.h"

namespace lm {

class CapturedSteps {
 public:
  // What a recording is for: another session, other places of its values, another part of a step, and what
  // the host decides by the step's numbers each need one of their own.
  struct Key {
    uint64_t session = 0, layout = 0;
    bool is_first = true, is_last = true;  // batch of its step
    bool has_momentum = false;

    auto operator<=>(const Key&) const = default;
  };
  struct Counts {
    int64_t captured = 0, replayed = 0;  // batches
  };

  // Nothing is recorded unless `wanted`, and where there is a reason not to: `why_not`, or a device that
  // cannot.
  CapturedSteps(at::Device device, bool wanted, const std::string& why_not);

  bool on() const { return on_; }
  // Pixels and labels at the place on the device where recorded work of this kind finds them.
  Batch place(const Key& key, const Batch& batch);
  // Does the work on a batch that was placed: as it is given when it is the first of its kind, and takes
  // memory that is kept; recorded the second time; by one call from then on. Where it cannot be recorded it
  // is done as it is given, and so are all others.
  void run(const Key& key, const std::function<void()>& work);
  // What recorded work reads lies elsewhere from now on.
  void forget() { kinds_.clear(); }
  // Why there are no recordings, once.
  std::string take_failure();
  // Since the last call.
  Counts take_counts();

 private:
  struct Kind {
    at::Tensor pixels, labels;
    bool was_done = false;
    std::unique_ptr<Recording> recording;
  };

  bool record(Kind& kind, const std::function<void()>& work);
  void give_up(const std::string& why);

  at::Device device_;
  bool on_;
  std::map<Key, Kind> kinds_;
  std::string failure_;
  Counts counts_;
};

}  // namespace lm
