#include "core/capture/recording.h"

#include <dlfcn.h>

#include <string>

#include "core/library/beside.h"

namespace lm {
namespace {

const Recorder* open_recorder() {
  const std::string path = library_path("LM_RESNET_CUDA_GRAPHS", for_libtorch("lm_cuda_graphs"));
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  const auto of = library == nullptr ? nullptr : reinterpret_cast<RecorderOf>(dlsym(library, kRecorderOf));
  return of == nullptr ? nullptr : of(sizeof(Recorder));
}

}  // namespace

std::unique_ptr<Recording> Recording::on(at::Device device) {
  if (device.is_cpu()) return nullptr;
  static const Recorder* const recorder = open_recorder();
  return recorder == nullptr ? nullptr : std::make_unique<Recording>(*recorder, device);
}

Recording::Recording(const Recorder& recorder, at::Device device)
    : recorder_(recorder), device_(device), graph_(recorder.make()) {}

Recording::~Recording() { recorder_.drop(graph_); }

void Recording::record(const std::function<void()>& give) {
  recorder_.begin(graph_, device_.has_index() ? device_.index() : 0);
  give();  // where it fails the graph is dropped in the middle
  recorder_.end(graph_);
}

void Recording::replay() { recorder_.replay(graph_); }

}  // namespace lm
