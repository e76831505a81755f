// Kernels that are wrong on purpose: what host_machine.h is there to find.
#pragma once

#include "check/kernels/host_machine.h"

namespace lm::cuda {

enum class Fault {
  kNone,
  kBounds,     // a number behind the last
  kPlace,      // a pack at an odd place
  kWriters,    // two threads write one number
  kBlocks,     // a block reads what another wrote
  kBarrier,    // a shared number of another thread, in the same phase
  kUnwritten,  // a shared number that nobody wrote
  kReader,     // a number is written that another thread has read
  kOverlap     // two pieces of memory that share some numbers
};

template <Fault kFault>
struct Faulty {
  static constexpr int kPhases = 2;
  struct Shared {
    Host::Shared<float, kThreads> numbers;
  };
  using Local = Nothing;

  Host::Global<float> data, other;

  template <int kPhase>
  void run(const Thread& thread, Shared& shared, Local&) const {
    const int i = thread.index, next = (i + 1) % kThreads;
    const int64_t own = thread.block_x * kThreads + i;
    if constexpr (kPhase == 0) {
      data.set(own, 1);
      if (kFault == Fault::kBounds) data.get(own + kThreads);
      if (kFault == Fault::kPlace && i == 0) data.load<2>(1);
      if (kFault == Fault::kWriters) data.set(thread.block_x * kThreads, 1);
      if (kFault == Fault::kOverlap) other.get(own);
      if (kFault != Fault::kUnwritten || i > 0) shared.numbers.set(i, 1);
    }
    if constexpr (kPhase == 1) {
      if (kFault == Fault::kBarrier) shared.numbers.set(i, 2);
      shared.numbers.get(next);
      data.get(thread.block_x * kThreads + next);
      if (kFault == Fault::kBlocks) data.get(own - thread.block_x * kThreads);
      if (kFault == Fault::kReader) data.set(own, 2);
    }
  }
};

// What running such a kernel fails with; "" where it does not fail.
template <Fault kFault>
std::string fault_found() {
  std::vector<float> memory(2 * kThreads + 4);
  const auto count = static_cast<int64_t>(2 * kThreads);
  try {
    Host::start(Faulty<kFault>{Host::global(memory.data(), count), Host::global(memory.data() + 4, count)},
                {2, 1}, nullptr);
  } catch (const Error& e) {
    return e.code;
  }
  return "";
}

}  // namespace lm::cuda
