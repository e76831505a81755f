// lm_cuda_graphs: CUDA graphs of what libtorch and our kernels give a device, by libtorch's own class for
// them, which brings the memory that a graph keeps for itself. Bound to the libtorch that it is compiled for.
// Called by the compute thread alone.
#include "core/capture/recorder.h"

#include <ATen/core/CachingHostAllocator.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/headeronly/version.h>

#include <map>
#include <memory>
#include <optional>

namespace lm {
namespace {

using Pool = c10::MempoolId_t;

// What the graphs of a device share. None keeps anything for another, and they run one after the other, so
// that one pool of memory is enough; its blocks belong to the stream that took them, so that it is one stream
// too, and not the default one, which cannot be captured.
struct Place {
  c10::cuda::CUDAStream stream;
  std::weak_ptr<const Pool> pool;  // of the graphs that live
};

Place& place_on(c10::DeviceIndex device) {
  static auto* const places = new std::map<c10::DeviceIndex, Place>;
  const auto found = places->find(device);
  if (found != places->end()) return found->second;
  const c10::cuda::CUDAStream stream = c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device);
  return places->emplace(device, Place{stream, {}}).first->second;
}

// libtorch takes no graph into a pool whose last one is gone: that memory is given back, with what the first
// batch, which was not captured, took for itself.
std::shared_ptr<const Pool> pool_of(Place& place) {
  std::shared_ptr<const Pool> pool = place.pool.lock();
  if (pool != nullptr) return pool;
  c10::cuda::CUDACachingAllocator::emptyCache();
  pool = std::make_shared<const Pool>(at::cuda::graph_pool_handle());
  place.pool = pool;
  return pool;
}

// Replays are work of the stream that is the current one then.
struct Graph {
  std::shared_ptr<const Pool> pool;
  std::unique_ptr<at::cuda::CUDAGraph> graph = std::make_unique<at::cuda::CUDAGraph>();
  std::optional<c10::cuda::CUDAStreamGuard> stream;  // while it is captured
  c10::DeviceIndex device = 0;
};

Graph& graph_of(void* made) { return *static_cast<Graph*>(made); }

void* make() { return new Graph; }

void begin(void* made, int device) {
  Graph& graph = graph_of(made);
  graph.device = static_cast<c10::DeviceIndex>(device);
  Place& place = place_on(graph.device);
  graph.pool = pool_of(place);
  graph.stream.emplace(place.stream);
  graph.graph->capture_begin(*graph.pool, cudaStreamCaptureModeThreadLocal);
}

void end(void* made) {
  graph_of(made).graph->capture_end();
  graph_of(made).stream.reset();
}

void replay(void* made) { graph_of(made).graph->replay(); }

// False where it throws: what was to be ended has ended already.
template <typename Call>
bool attempt(const Call& call) {
  try {
    call();
    return true;
  } catch (const c10::Error&) {
    return false;
  }
}

#if TORCH_VERSION_MINOR < 14
// Later ones do so themselves. An allocator that went on to take memory for a capture that failed would hold
// back what other streams give back, and ask a graph that is gone.
void leave_pool(const Graph& graph) {
  at::HostAllocator& host = *at::getHostAllocator(at::kCUDA);
  attempt([&] { c10::cuda::CUDACachingAllocator::endAllocateToPool(graph.device, *graph.pool); });
  attempt([&] { host.end_allocate_to_pool(*graph.pool); });
  attempt([&] { c10::cuda::CUDACachingAllocator::releasePool(graph.device, *graph.pool); });
  attempt([&] { host.release_pool(*graph.pool); });
}
#else
void leave_pool(const Graph&) {}
#endif

// Ends a capture that failed, or whose work did.
void abandon(Graph& graph) {
  attempt([&] { graph.graph->capture_end(); });
  const bool was_captured = attempt([&] { graph.graph->pool(); });
  if (!was_captured) leave_pool(graph);
  cudaGetLastError();  // else the next launch of a kernel would be told of the failure
}

void drop(void* made) {
  if (graph_of(made).stream) abandon(graph_of(made));
  delete &graph_of(made);
}

constexpr Recorder kRecorder{make, begin, end, replay, drop};

}  // namespace
}  // namespace lm

extern "C" __attribute__((visibility("default"))) const lm::Recorder* lm_cuda_recorder_1(int64_t bytes) {
  return bytes == sizeof(lm::Recorder) ? &lm::kRecorder : nullptr;
}
