// Recordings of the test device's work, in place of lm_cuda_graphs.so: what a stream was given is kept, and
// given again at every replay. As in a CUDA graph, memory that is taken meanwhile belongs to the recording,
// and a copy from or to the host, or a wait, makes it fail.
#include "core/capture/recorder.h"

#include <c10/util/Exception.h>
#include <dlfcn.h>

#include <cstdlib>
#include <memory>
#include <optional>

#include "counters.h"
#include "streams.h"

namespace lm::device {
namespace {

struct Graph {
  std::shared_ptr<const Recorded> recorded;
  std::optional<int64_t> before;  // the current stream, while another is recorded
};

Graph& graph_of(void* made) { return *static_cast<Graph*>(made); }

void* make() { return new Graph; }

void begin(void* made, int) {
  TORCH_CHECK(!faults().no_recordings, "recordings are not supported");
  const int64_t stream = new_stream();
  graph_of(made).before = exchange_current_stream(stream);
  begin_recording(stream);
}

void end(void* made) {
  Graph& graph = graph_of(made);
  exchange_current_stream(*graph.before);
  graph.before.reset();
  graph.recorded = end_recording();
  TORCH_CHECK(!faults().broken_recordings, "some work cannot be recorded");
}

void replay_graph(void* made) { replay(*graph_of(made).recorded, current_stream()); }

void drop(void* made) {
  if (graph_of(made).before) {
    exchange_current_stream(*graph_of(made).before);
    end_recording();
  }
  delete &graph_of(made);
}

constexpr Recorder kRecorder{make, begin, end, replay_graph, drop};

}  // namespace
}  // namespace lm::device

extern "C" __attribute__((visibility("default"))) const lm::Recorder* lm_cuda_recorder_1(int64_t bytes) {
  return bytes == sizeof(lm::Recorder) ? &lm::device::kRecorder : nullptr;
}

namespace {

// Where the addon looks for it.
const bool named = [] {
  Dl_info self;
  return dladdr(reinterpret_cast<const void*>(&lm_cuda_recorder_1), &self) != 0 &&
         setenv("LM_RESNET_CUDA_GRAPHS", self.dli_fname, 1) == 0;
}();

}  // namespace
