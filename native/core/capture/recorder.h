// What the library of CUDA's graphs gives (native/core/capture/cuda/recorder.cc): a graph is made, filled
// with the work that this thread gives the device between begin and end, none of which is done then, and
// replayed at will.
#pragma once

#include <cstdint>

namespace lm {

// All but make and drop throw c10::Error.
struct Recorder {
  void* (*make)();
  void (*begin)(void* graph, int device);
  void (*end)(void* graph);
  void (*replay)(void* graph);
  // Also in the middle of a recording, which is lost.
  void (*drop)(void* graph);
};

// The function that the library exports: null where its own table is not of so many bytes. The number in its
// name counts up where arguments change.
using RecorderOf = const Recorder* (*)(int64_t bytes);
constexpr const char* kRecorderOf = "lm_cuda_recorder_1";

}  // namespace lm
