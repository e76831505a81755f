// What a kernel is: a struct with its arguments, and a body that one thread of a block runs, phase by phase;
// between two phases all threads of the block wait for one another. Memory is reached through a machine M:
//   M::Global<T>            numbers in the device's memory: load<n>(i), store(i, pack), get(i), set(i, v)
//   M::Shared<T, kCount>    of a block: get(i), set(i, v)
//   M::kBlocks              how many blocks a kernel has at most
// Bare is the machine of the device. That of the host (check/kernels/host_machine.h) runs the same bodies
// thread by thread, and knows bounds and races.
//   struct Kernel { static constexpr int kPhases; struct Shared; struct Local;
//                   template <int kPhase> void run(const Thread&, Shared&, Local&) const; };
#pragma once

#include <type_traits>

#include "core/kernels/cuda/numbers.h"

namespace lm::cuda {

constexpr int kThreads = 256;  // of a block

struct Grid {
  int64_t x = 1, y = 1;
};

// Which thread of which block runs.
struct Thread {
  int64_t block_x, block_y;
  int index;
  int64_t blocks_x;
};

// A kernel has at most about so many blocks: several for each place on a large card, so that the last ones
// keep it busy, and for sums not so many that their totals cost time.
struct Blocks {
  int64_t elements, sums;
};

struct Nothing {};

// Pointers and nothing else.
struct Bare {
  static constexpr Blocks kBlocks{8192, 4096};

  template <typename T>
  struct Global {
    using Value = std::remove_const_t<T>;
    T* data;

    LM_HD bool defined() const { return data != nullptr; }
    LM_HD Value get(int64_t i) const { return data[i]; }
    LM_HD void set(int64_t i, Value v) const { data[i] = v; }
    template <int kCount>
    LM_HD Pack<Value, kCount> load(int64_t i) const {
      return *reinterpret_cast<const Pack<Value, kCount>*>(data + i);
    }
    template <int kCount>
    LM_HD void store(int64_t i, const Pack<Value, kCount>& pack) const {
      *reinterpret_cast<Pack<Value, kCount>*>(data + i) = pack;
    }
  };

  template <typename T, int kCount>
  struct Shared {
    T data[kCount];

    LM_HD T get(int i) const { return data[i]; }
    LM_HD void set(int i, T v) { data[i] = v; }
  };
};

}  // namespace lm::cuda
