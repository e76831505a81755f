// What a trainer and an evaluation read: implemented in data/, so that the core does not know where images
// come from.
#pragma once

#include <ATen/ATen.h>

namespace lm {

struct Batch {
  at::Tensor pixels;  // uint8 [n, h, w, c]
  at::Tensor labels;  // int64 [n]
};

class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual int64_t height() const = 0;
  virtual int64_t width() const = 0;
  virtual int64_t channels() const = 0;
  virtual int64_t classes() const = 0;  // labels are below this
  virtual int64_t batches() const = 0;  // in one pass
  // Batch of a global step: it depends on the step alone, not on what was read before.
  virtual Batch at(int64_t step) = 0;
};

}  // namespace lm
