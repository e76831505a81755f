#include "core/capture/captured_steps.h"

#include <c10/util/Exception.h>

#include <utility>

#include "core/error.h"

namespace lm {
namespace {

constexpr size_t kKindsKept = 64;

}  // namespace

CapturedSteps::CapturedSteps(at::Device device, bool wanted, const std::string& why_not)
    : device_(device), on_(wanted) {
  if (!on_) return;
  if (!why_not.empty())
    give_up(why_not);
  else if (Recording::on(device) == nullptr)
    give_up("they need a library for the device's graphs (lm_cuda_graphs-*.so)");
}

void CapturedSteps::give_up(const std::string& why) {
  on_ = false;
  kinds_.clear();
  failure_ = why;
}

Batch CapturedSteps::place(const Key& key, const Batch& batch) {
  // What has the session's older places will not come again.
  std::erase_if(kinds_, [&](const auto& kind) {
    return kind.first.session == key.session && kind.first.layout != key.layout;
  });
  if (kinds_.size() >= kKindsKept && kinds_.count(key) == 0) kinds_.clear();
  Kind& kind = kinds_[key];
  Batch placed = batch;
  for (const auto& [from, to, out] : {std::tuple(&batch.pixels, &kind.pixels, &placed.pixels),
                                      std::tuple(&batch.labels, &kind.labels, &placed.labels)}) {
    if (!to->defined()) *to = at::empty(from->sizes(), from->options().device(device_).pinned_memory(false));
    to->copy_(*from, /*non_blocking=*/from->is_pinned());
    *out = *to;
  }
  return placed;
}

void CapturedSteps::run(const Key& key, const std::function<void()>& work) {
  Kind& kind = kinds_.at(key);
  if (!std::exchange(kind.was_done, true)) return work();
  if (kind.recording == nullptr && !record(kind, work)) return work();
  kind.recording->replay();
  ++counts_.replayed;
}

// A device that is lost fails again when the work is done as it is given.
bool CapturedSteps::record(Kind& kind, const std::function<void()>& work) {
  try {
    auto recording = Recording::on(device_);
    recording->record(work);
    kind.recording = std::move(recording);
    ++counts_.captured;
    return true;
  } catch (const Error& e) {
    give_up(e.message);
  } catch (const c10::Error& e) {
    give_up(e.what_without_backtrace());
  }
  return false;
}

std::string CapturedSteps::take_failure() { return std::exchange(failure_, {}); }

CapturedSteps::Counts CapturedSteps::take_counts() { return std::exchange(counts_, {}); }

}  // namespace lm
