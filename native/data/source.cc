#include "data/source.h"

#include "core/error.h"
#include "core/rng.h"

namespace lm {

Source::Source(at::Tensor images_in, at::Tensor labels_in)
    : images(std::move(images_in)), labels(std::move(labels_in)) {
  LM_CHECK(images.dim() == 4 && images.size(0) == labels.size(0) && labels.size(0) > 0, "ERR_DATASET",
           "Expected as many images as labels, and at least one");
  LM_CHECK(labels.min().item<int64_t>() >= 0, "ERR_DATASET", "A label is negative");
  classes = labels.max().item<int64_t>() + 1;
}

TrainingLoader::TrainingLoader(std::shared_ptr<const Source> source, int64_t batch, uint64_t seed)
    : source_(std::move(source)), batch_(batch), seed_(seed) {
  LM_CHECK(batch > 0, "ERR_CONFIG", "A batch needs at least one image");
}

Batch TrainingLoader::at(int64_t step) {
  const int64_t epoch = step / batches(), start = step % batches() * batch_;
  if (epoch != epoch_) {
    order_ = at::tensor(permutation(Rng(seed_, "order", static_cast<uint64_t>(epoch)), source_->count()),
                        at::kLong);
    epoch_ = epoch;
  }
  const at::Tensor picked = order_.slice(0, start, start + batch_);
  return {source_->images.index_select(0, picked), source_->labels.index_select(0, picked)};
}

Batch EvaluationLoader::at(int64_t step) {
  const int64_t start = step * batch_, end = std::min(source_->count(), start + batch_);
  return {source_->images.slice(0, start, end), source_->labels.slice(0, start, end)};
}

}  // namespace lm
