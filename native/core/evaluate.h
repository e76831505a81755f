// Loss, accuracy, confusion and calibration of a model over labelled images. All of it is sums: they are kept
// on the device, in double precision, add up over batches (and would over ranks), and are read once.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <span>
#include <string>

#include "core/batch.h"
#include "core/model.h"
#include "core/ranks/ranks.h"

namespace lm {

struct EvaluateOptions {
  std::string weights = "value";  // a set with running statistics
  Precision precision = Precision::kOwn;
  bool detail = false;  // confusion and calibration too
};

// What images came to. One whose logits are not all finite is never right, is in no confusion and no bin, and
// makes the loss NaN.
struct Evaluation {
  double loss = 0;  // mean cross entropy, in nats
  int64_t correct1 = 0, correct5 = 0, count = 0;
  int64_t non_finite = 0;  // images with a logit that is not finite
  // In detail, else undefined; double, on the CPU:
  at::Tensor confusion;  // [classes, classes]: images of class i that were taken for class j
  // [15, 3]: images whose confidence (highest probability) is in ((i - 1) / 15, i / 15], the sum of their
  // confidences, and how many of them are right.
  at::Tensor bins;
};

// Of the images that a source gives; `views` are sources of other looks at the same images, in the same
// order, whose probabilities are averaged. `between_batches` may run short work, and throw. With `ranks` each
// evaluates its share, and all of them get the whole.
Evaluation evaluate(Model& model, std::span<BatchSource* const> views, const EvaluateOptions& options,
                    const std::function<void()>& between_batches, Ranks* ranks = nullptr);

}  // namespace lm
