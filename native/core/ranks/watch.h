// Hears the alarm of a rank that lost another, on a thread of its own, whatever the rank is busy with: who is
// alive answers at once, and no longer waits for the others, so that all end within seconds.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <torch/csrc/distributed/c10d/Work.hpp>

#include "core/ranks/store.h"

namespace lm {

class Watch {
 public:
  Watch(const RanksOptions& options, StorePtr store);
  ~Watch();

  // Waits for work with the other ranks; false where an alarm came first: it may never be done then.
  bool wait(c10d::Work& work) const;
  bool is_alarmed() const;
  // What is to be done when an alarm comes, on the thread that hears it.
  void at_alarm(std::function<void()> act) const;
  // Raises the alarm and finds out why the group ended; takes seconds at most.
  std::string verdict(const std::string& reason) const;
  // Tells the others what ended this rank, and raises the alarm.
  void abandon(const std::string& words) const;
  // The end of a run in good order: who hosts the store waits for the others.
  void part() const;

 private:
  struct State;

  const RanksOptions options_;
  const StorePtr store_;
  const std::shared_ptr<State> state_;  // the thread's too, which is never waited for: a store may be frozen
};

}  // namespace lm
