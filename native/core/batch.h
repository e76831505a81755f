// What a trainer and an evaluation read: implemented in data/, so that the core does not know where images
// come from.
#pragma once

#include <ATen/ATen.h>

#include <span>

namespace lm {

struct Batch {
  at::Tensor pixels;    // uint8 [n, h, w, c]; undefined when the source was stopped
  at::Tensor labels;    // int64 [n]
  int64_t counted = 0;  // the first so many count; the others only fill the batch of an evaluation
  std::span<const int64_t> samples;  // their numbers in the data set, for what is drawn for each
};

class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual int64_t height() const = 0;
  virtual int64_t width() const = 0;
  virtual int64_t channels() const = 0;
  virtual int64_t classes() const = 0;  // labels are below this
  virtual int64_t batch() const = 0;    // images in a batch of a training
  virtual int64_t batches() const = 0;  // in one pass
  // Nobody knows how many images there are: the first batch that they do not fill is the last.
  virtual bool is_stream() const = 0;
  // Batch of a global step: it depends on the step alone, not on what was read before. Valid until the next
  // call.
  virtual Batch at(int64_t step) = 0;
};

}  // namespace lm
