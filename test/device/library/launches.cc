// The kernels of CUDA devices as work of the test device, in place of lm_cuda.so: the bodies that a GPU runs,
// on memory that the host cannot touch, in the order of streams. Every number that a thread reads or writes
// must lie in what the launch was given, and that must still be the memory that it was.
#include <c10/util/Exception.h>
#include <dlfcn.h>

#include <cstdlib>
#include <typeinfo>
#include <vector>

#include "core/kernels/cuda/launch.h"
#include "counters.h"
#include "memory.h"
#include "streams.h"

namespace lm::cuda {
namespace {

// As CUDA says it of a launch: in words.
const char* why_lost() {
  try {
    device::check_alive();
    return nullptr;
  } catch (const c10::Error&) {
    return "unspecified launch failure";
  }
}

struct TestMachine : Bare {
  static constexpr Blocks kBlocks{5, 3};  // few, so that small sizes go around every loop

  template <typename T>
  struct Global {
    using Value = std::remove_const_t<T>;
    T* data = nullptr;  // where kernels find it
    int64_t count = 0;
    device::Piece piece;

    bool defined() const { return data != nullptr; }
    Value get(int64_t i) const { return load<1>(i).v[0]; }
    void set(int64_t i, Value v) const { store(i, Pack<Value, 1>{{v}}); }
    template <int kCount>
    Pack<Value, kCount> load(int64_t i) const {
      check(i, kCount);
      return *reinterpret_cast<const Pack<Value, kCount>*>(data + i);
    }
    template <int kCount>
    void store(int64_t i, const Pack<Value, kCount>& pack) const {
      check(i, kCount);
      *reinterpret_cast<Pack<Value, kCount>*>(data + i) = pack;
    }

   private:
    void check(int64_t i, int64_t many) const {
      TORCH_CHECK(data != nullptr && i >= 0 && i + many <= count, "out of bounds: numbers ", i, " to ",
                  i + many - 1, " of ", count);
      if (const char* trouble = device::trouble_with(piece)) TORCH_CHECK(false, trouble);
    }
  };

  template <typename T>
  static Global<T> global(T* data, int64_t count) {
    if (data == nullptr) return {};
    TORCH_CHECK(device::is_device_address(data), "a kernel was given memory of the host");
    const device::Piece piece = device::find_piece(data, static_cast<size_t>(count) * sizeof(T));
    return {static_cast<T*>(device::for_kernels(data)), count, piece};
  }

  template <typename Kernel>
  static const char* start(const Kernel& kernel, Grid grid, void* stream) {
    if (const char* lost = why_lost()) return lost;
    if (!device::is_recording()) ++device::counters().kernels;
    device::enqueue(reinterpret_cast<int64_t>(stream), typeid(Kernel).name(), [kernel, grid] {
      for (int64_t block = 0; block < grid.x * grid.y; ++block) run_block(kernel, grid, block);
    });
    return nullptr;
  }

 private:
  template <typename Kernel>
  static void run_block(const Kernel& kernel, Grid grid, int64_t block) {
    const auto shared = std::make_unique<typename Kernel::Shared>();
    std::vector<typename Kernel::Local> locals(kThreads);
    run_phases<0>(kernel, grid, block, *shared, locals);
  }

  template <int kPhase, typename Kernel>
  static void run_phases(const Kernel& kernel, Grid grid, int64_t block, typename Kernel::Shared& shared,
                         std::vector<typename Kernel::Local>& locals) {
    for (int thread = 0; thread < kThreads; ++thread)
      kernel.template run<kPhase>(Thread{block % grid.x, block / grid.x, thread, grid.x}, shared,
                                  locals[static_cast<size_t>(thread)]);
    if constexpr (kPhase + 1 < Kernel::kPhases) run_phases<kPhase + 1>(kernel, grid, block, shared, locals);
  }
};

}  // namespace
}  // namespace lm::cuda

extern "C" __attribute__((visibility("default"))) const lm::cuda::Launches* lm_cuda_launches_3(
    lm::cuda::Type type, int64_t bytes) {
  using namespace lm::cuda;
  static const Launches tables[]{Launch<TestMachine, float>::table(), Launch<TestMachine, double>::table(),
                                 Launch<TestMachine, Half>::table(), Launch<TestMachine, BFloat16>::table()};
  if (lm::device::faults().no_kernels) return nullptr;
  return bytes == sizeof(Launches) && type < Type::kTypes ? &tables[static_cast<int>(type)] : nullptr;
}

extern "C" __attribute__((visibility("default"))) const char* lm_cuda_trouble_1(int) {
  return lm::device::faults().foreign_kernels ? "no kernel image is available for execution on the device"
                                              : nullptr;
}

namespace {

// Where the addon looks for it.
const bool named = [] {
  Dl_info self;
  return dladdr(reinterpret_cast<const void*>(&lm_cuda_launches_3), &self) != 0 &&
         setenv("LM_RESNET_CUDA_KERNELS", self.dli_fname, 1) == 0;
}();

}  // namespace
