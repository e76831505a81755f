// What the test device is asked to count, and the faults that tests make it have.
#pragma once

#include <atomic>
#include <cstdint>

namespace lm::device {

struct Counters {
  std::atomic<int64_t> kernels{0}, to_device{0}, to_host{0};
  std::atomic<int64_t> replays{0};  // of recorded work
  // Times that the host waited: for a whole stream, or for an event.
  std::atomic<int64_t> stream_waits{0}, event_waits{0};
};

// What a program would be without some call: each is left out while it is set.
struct Faults {
  std::atomic<bool> no_waits_of_copies{false};   // of streams beside the default one, for events
  std::atomic<bool> no_waits_of_kernels{false};  // of the default one
  std::atomic<bool> no_host_waits{false};        // of the host for an event
  std::atomic<bool> no_copies{false};            // those that the host does not wait for
  std::atomic<bool> no_recordings{false};        // of work: all fail when they begin
  std::atomic<bool> broken_recordings{false};    // all fail when they end
  std::atomic<bool> no_kernels{false};           // of ours: a device for which no library of them is there
  std::atomic<bool> foreign_kernels{false};      // the library is there, with code for other devices
};

Counters& counters();
Faults& faults();

}  // namespace lm::device
