// Runs the CUDA kernels' bodies on the host, thread by thread, in random order between two barriers, and
// fails where a body would be wrong on a device: an access out of bounds, a shared number read before it is
// written, and two threads at one number with no barrier between them, of which one writes.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "core/error.h"
#include "core/kernels/cuda/machine.h"

namespace lm::cuda {

// Who runs now.
struct Turn {
  int64_t block = 0;
  int phase = 0, thread = 0;

  bool operator==(const Turn&) const = default;
  bool same_block(const Turn& other) const { return block == other.block; }
  // No barrier parts them, and they are not one and the same thread.
  bool races_with(const Turn& other) const {
    return block != other.block || (phase == other.phase && thread != other.thread);
  }
};

// Who came to one number so far.
class Visits {
 public:
  void read(const Turn& now, const char* what) {
    LM_CHECK(!written_ || !now.races_with(write_), "ERR_RACE", what,
             " is read while another thread writes it");
    if (read_ && (readers_.block != now.block)) blocks_ = true;
    threads_ =
        read_ && !blocks_ && readers_.phase == now.phase && (threads_ || readers_.thread != now.thread);
    readers_ = now;
    read_ = true;
  }
  void write(const Turn& now, const char* what) {
    LM_CHECK(!written_ || !now.races_with(write_), "ERR_RACE", what, " is written by two threads");
    const bool read =
        read_ && (blocks_ || now.races_with(readers_) || (threads_ && readers_.phase == now.phase));
    LM_CHECK(!read, "ERR_RACE", what, " is written while another thread reads it");
    write_ = now;
    written_ = true;
  }
  bool is_written() const { return written_; }

 private:
  Turn write_, readers_;  // the last of each
  bool written_ = false, read_ = false;
  bool blocks_ = false, threads_ = false;  // readers of several blocks, of several threads in one phase
};

// What one launch knows.
struct HostLaunch {
  Turn turn;
  std::map<const char*, std::vector<Visits>> memory;  // by the place where it begins
  std::map<const char*, const char*> ends;            // of the same

  // The numbers that begin at a place. Two pieces are one and the same, or have nothing in common.
  std::vector<Visits>& at(const void* data, size_t count, size_t size) {
    const char* const begin = static_cast<const char*>(data);
    std::vector<Visits>& visits = memory[begin];
    if (visits.size() >= count) return visits;
    visits.resize(count);
    ends[begin] = begin + count * size;
    const auto here = ends.find(begin), next = std::next(here);
    const bool overlaps = (next != ends.end() && next->first < here->second) ||
                          (here != ends.begin() && std::prev(here)->second > begin);
    LM_CHECK(!overlaps, "ERR_BOUNDS", "Two pieces of memory overlap");
    return visits;
  }

  static HostLaunch& now() {
    static HostLaunch launch;
    return launch;
  }
};

struct Host {
  static constexpr Blocks kBlocks{5, 3};  // few, so that small sizes go around every loop

  template <typename T>
  struct Global {
    using Value = std::remove_const_t<T>;
    T* data = nullptr;
    int64_t count = 0;

    bool defined() const { return data != nullptr; }
    Value get(int64_t i) const { return load<1>(i).v[0]; }
    void set(int64_t i, Value v) const { store(i, Pack<Value, 1>{{v}}); }
    template <int kCount>
    Pack<Value, kCount> load(int64_t i) const {
      for (Visits& v : visits(i, kCount)) v.read(HostLaunch::now().turn, "A number in global memory");
      Pack<Value, kCount> out;
      std::memcpy(&out, data + i, sizeof out);
      return out;
    }
    template <int kCount>
    void store(int64_t i, const Pack<Value, kCount>& pack) const {
      for (Visits& v : visits(i, kCount)) v.write(HostLaunch::now().turn, "A number in global memory");
      std::memcpy(data + i, &pack, sizeof pack);
    }

   private:
    struct Range {
      Visits *first, *last;
      Visits* begin() const { return first; }
      Visits* end() const { return last; }
    };

    Range visits(int64_t i, int64_t many) const {
      LM_CHECK(data != nullptr && i >= 0 && i + many <= count, "ERR_BOUNDS", "Numbers ", i, " to ",
               i + many - 1, " of ", count);
      LM_CHECK(reinterpret_cast<uintptr_t>(data + i) % (sizeof(T) * static_cast<size_t>(many)) == 0,
               "ERR_BOUNDS", "A pack of ", many, " numbers at a place that is no multiple of its size");
      std::vector<Visits>& all = HostLaunch::now().at(data, static_cast<size_t>(count), sizeof(T));
      return {all.data() + i, all.data() + i + many};
    }
  };

  template <typename T, int kCount>
  struct Shared {
    T data[kCount] = {};
    std::vector<Visits> visits = std::vector<Visits>(kCount);

    T get(int i) const {
      LM_CHECK(at(i).is_written(), "ERR_BOUNDS", "Shared number ", i, " is read before it is written");
      const_cast<Visits&>(at(i)).read(HostLaunch::now().turn, "A shared number");
      return data[i];
    }
    void set(int i, T v) {
      const_cast<Visits&>(at(i)).write(HostLaunch::now().turn, "A shared number");
      data[i] = v;
    }

   private:
    const Visits& at(int i) const {
      LM_CHECK(i >= 0 && i < kCount, "ERR_BOUNDS", "Shared number ", i, " of ", kCount);
      return visits[static_cast<size_t>(i)];
    }
  };

  template <typename T>
  static Global<T> global(T* data, int64_t count) {
    return {data, data == nullptr ? 0 : count};
  }

  template <typename Kernel>
  static const char* start(const Kernel& kernel, Grid grid, void*) {
    LM_CHECK(grid.x >= 1 && grid.y >= 1 && grid.x < int64_t{1} << 31 && grid.y < 65536, "ERR_BOUNDS",
             "A grid of ", grid.x, " x ", grid.y, " blocks");
    HostLaunch::now() = {};
    std::mt19937_64 random(static_cast<uint64_t>(grid.x * 31 + grid.y));
    std::vector<int64_t> blocks(static_cast<size_t>(grid.x * grid.y));
    std::iota(blocks.begin(), blocks.end(), 0);
    std::shuffle(blocks.begin(), blocks.end(), random);
    for (int64_t block : blocks) run_block(kernel, grid, block, random);
    return nullptr;
  }

 private:
  template <typename Kernel>
  static void run_block(const Kernel& kernel, Grid grid, int64_t block, std::mt19937_64& random) {
    const auto shared = std::make_unique<typename Kernel::Shared>();
    std::vector<typename Kernel::Local> locals(kThreads);
    std::vector<int> threads(kThreads);
    std::iota(threads.begin(), threads.end(), 0);
    run_phases<0>(kernel, grid, block, random, *shared, locals, threads);
  }

  template <int kPhase, typename Kernel>
  static void run_phases(const Kernel& kernel, Grid grid, int64_t block, std::mt19937_64& random,
                         typename Kernel::Shared& shared, std::vector<typename Kernel::Local>& locals,
                         std::vector<int>& threads) {
    std::shuffle(threads.begin(), threads.end(), random);
    for (int thread : threads) {
      HostLaunch::now().turn = {block, kPhase, thread};
      kernel.template run<kPhase>(Thread{block % grid.x, block / grid.x, thread, grid.x}, shared,
                                  locals[static_cast<size_t>(thread)]);
    }
    if constexpr (kPhase + 1 < Kernel::kPhases)
      run_phases<kPhase + 1>(kernel, grid, block, random, shared, locals, threads);
  }
};

}  // namespace lm::cuda
