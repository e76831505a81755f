// Work that is given to a device once, and done again at one call: CUDA's graphs, by the library beside the
// binary that knows them.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <memory>

#include "core/capture/recorder.h"

namespace lm {

class Recording {
 public:
  // Null where the device, or the library for it, is not there.
  static std::unique_ptr<Recording> on(at::Device device);

  Recording(const Recorder& recorder, at::Device device);
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  // Calls `give`, of whose work on the device nothing is done. Throws what that throws, and c10::Error where
  // the device cannot record some of the work; a recording that failed is of no use but to be dropped.
  void record(const std::function<void()>& give);
  // Does the work, on the current stream.
  void replay();

 private:
  const Recorder& recorder_;
  at::Device device_;
  void* graph_;
};

}  // namespace lm
