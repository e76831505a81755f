// lm_cuda_graphs: CUDA graphs of what libtorch and our kernels give a device, by libtorch's own class for
// them, which brings the memory that a graph keeps for itself. Bound to the libtorch that it is compiled for.
#include "core/capture/recorder.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>

namespace lm {
namespace {

// Captures are the work of a stream of their own, for the default one cannot be captured; replays are work of
// the stream that is the current one then.
struct Graph {
  std::unique_ptr<at::cuda::CUDAGraph> graph = std::make_unique<at::cuda::CUDAGraph>();
  std::optional<c10::cuda::CUDAStreamGuard> stream;  // while it is captured
  c10::DeviceIndex device = 0;
};

Graph& graph_of(void* made) { return *static_cast<Graph*>(made); }

void* make() { return new Graph; }

// All graphs of the process share one pool of memory: none keeps anything for another, and they run one after
// the other.
c10::MempoolId_t pool() {
  static const c10::MempoolId_t id = at::cuda::graph_pool_handle();
  return id;
}

void begin(void* made, int device) {
  Graph& graph = graph_of(made);
  graph.device = static_cast<c10::DeviceIndex>(device);
  graph.stream.emplace(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, graph.device));
  graph.graph->capture_begin(pool(), cudaStreamCaptureModeThreadLocal);
}

void end(void* made) {
  graph_of(made).graph->capture_end();
  graph_of(made).stream.reset();
}

void replay(void* made) { graph_of(made).graph->replay(); }

// Ends a capture that failed, or whose work did. An allocator that went on to take memory for it would hold
// back what other streams give back, and the next launch of a kernel would be told of the failure.
void abandon(Graph& graph) {
  for (const auto& way_out : std::initializer_list<std::function<void()>>{
           [&] { graph.graph->capture_end(); },
           [&] { c10::cuda::CUDACachingAllocator::endAllocateToPool(graph.device, pool()); }}) {
    try {
      way_out();
    } catch (const c10::Error&) {
      // It is out already.
    }
  }
  cudaGetLastError();
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
