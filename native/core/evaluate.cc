#include "core/evaluate.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include "core/loss.h"

namespace lm {
namespace {

constexpr int64_t kBins = 15;
constexpr int64_t kFacts = 5;  // loss, correct1, correct5, count, non_finite

// Sums over images, in one tensor: the facts, then the bins and the confusion.
class Tally {
 public:
  Tally(int64_t classes, bool detail, const at::TensorOptions& options)
      : classes_(classes),
        detail_(detail),
        sums_(
            at::zeros({kFacts + (detail ? 3 * kBins + classes * classes : 0)}, options.dtype(at::kDouble))) {}

  // Scores as `scores_of` or `mean_of` give them, labels int64 [n].
  void add(const at::Tensor& scores, const at::Tensor& labels) {
    const at::Tensor finite = scores.isnan().any(1).logical_not();
    const at::Tensor log_p = at::log_softmax(scores, 1);
    const at::Tensor own = log_p.gather(1, labels.unsqueeze(1));
    const at::Tensor rank = ranks(scores, labels, finite);
    const at::Tensor count = at::full({}, labels.size(0), sums_.options());
    facts().add_(
        at::stack({own.sum().neg(), (rank < 1).sum().to(at::kDouble), (rank < 5).sum().to(at::kDouble), count,
                   finite.logical_not().sum().to(at::kDouble)}));
    if (!detail_) return;
    confusion().view(-1).index_add_(0, labels * classes_ + scores.argmax(1), finite.to(at::kDouble));
    calibrate(log_p.amax(1).exp().masked_fill(finite.logical_not(), 0), rank < 1, finite);
  }

  void sum_over(Ranks& ranks) { ranks.sum(sums_); }

  Evaluation read() const {
    const Tally host(classes_, detail_, sums_.to(at::kCPU));
    const double* facts = host.sums_.data_ptr<double>();
    Evaluation out;
    out.loss = facts[0] / facts[3];
    out.correct1 = static_cast<int64_t>(facts[1]);
    out.correct5 = static_cast<int64_t>(facts[2]);
    out.count = static_cast<int64_t>(facts[3]);
    out.non_finite = static_cast<int64_t>(facts[4]);
    if (detail_) {
      out.bins = host.bins();
      out.confusion = host.confusion();
    }
    return out;
  }

 private:
  Tally(int64_t classes, bool detail, at::Tensor sums)
      : classes_(classes), detail_(detail), sums_(std::move(sums)) {}

  at::Tensor facts() const { return sums_.slice(0, 0, kFacts); }
  at::Tensor bins() const { return sums_.slice(0, kFacts, kFacts + 3 * kBins).view({kBins, 3}); }
  at::Tensor confusion() const { return sums_.slice(0, kFacts + 3 * kBins).view({classes_, classes_}); }

  void calibrate(const at::Tensor& confidence, const at::Tensor& right, const at::Tensor& finite) {
    const at::Tensor bin = (confidence * kBins).ceil().clamp(1, kBins).sub(1);
    const at::Tensor members =
        bin.unsqueeze(1).eq(at::arange(kBins, sums_.options())).logical_and(finite.unsqueeze(1));
    const at::Tensor rows = at::stack({at::ones_like(confidence), confidence, right.to(at::kDouble)}, 1);
    bins().addmm_(members.to(at::kDouble).t(), rows);
  }

  int64_t classes_;
  bool detail_;
  at::Tensor sums_;
};

// Logits [n, classes] in double precision; NaN for an image that has one that is not finite.
at::Tensor scores_of(const at::Tensor& logits) {
  return logits.to(at::kDouble).masked_fill(finite_rows(logits).logical_not().unsqueeze(1), NAN);
}

// Logarithms of the mean over views of the softmax: scores of which log_softmax changes nothing.
at::Tensor mean_of(const std::vector<at::Tensor>& views) {
  if (views.size() == 1) return views[0];
  std::vector<at::Tensor> logs;
  for (const at::Tensor& scores : views) logs.push_back(at::log_softmax(scores, 1));
  return at::logsumexp(at::stack(logs), {0}).sub_(std::log(static_cast<double>(views.size())));
}

// Numbers of the images that all views have, in rising order: a broken one may show in some of them only.
std::vector<int64_t> common(const std::vector<Batch>& views) {
  const auto samples = [](const Batch& batch) {
    return batch.samples.first(static_cast<size_t>(batch.counted));
  };
  std::vector<int64_t> all(samples(views[0]).begin(), samples(views[0]).end());
  for (const Batch& batch : std::span(views).subspan(1)) {
    const auto found = samples(batch);
    std::vector<int64_t> both;
    std::set_intersection(all.begin(), all.end(), found.begin(), found.end(), std::back_inserter(both));
    all = std::move(both);
  }
  return all;
}

// Numbers of the host, which goes on while they are copied.
at::Tensor on(at::Device device, const std::vector<int64_t>& numbers) {
  const auto options = at::TensorOptions().dtype(at::kLong).pinned_memory(!device.is_cpu());
  const at::Tensor host = at::empty({static_cast<int64_t>(numbers.size())}, options);
  std::copy(numbers.begin(), numbers.end(), host.data_ptr<int64_t>());
  return host.to(device, /*non_blocking=*/true);
}

// Of the rows of a batch, those of some of its images.
at::Tensor rows_of(const Batch& batch, const at::Tensor& rows, const std::vector<int64_t>& images) {
  if (static_cast<int64_t>(images.size()) == batch.counted) return rows;
  std::vector<int64_t> places;
  auto at = batch.samples.begin();
  for (int64_t image : images) {
    at = std::find(at, batch.samples.end(), image);
    places.push_back(at - batch.samples.begin());
  }
  return rows.index_select(0, on(rows.device(), places));
}

std::vector<Batch> read(std::span<BatchSource* const> views, int64_t i) {
  std::vector<Batch> batches;
  for (BatchSource* view : views) {
    batches.push_back(view->at(i));
    LM_CHECK(batches.back().pixels.defined(), "ERR_CLOSED", "The data was closed");
  }
  return batches;
}

}  // namespace

Evaluation evaluate(Model& model, std::span<BatchSource* const> views, const EvaluateOptions& options,
                    const std::function<void()>& between_batches, Ranks* ranks) {
  BatchSource& first = *views[0];
  LM_CHECK(first.classes() <= model.classes(), "ERR_SHAPE", "The data has ", first.classes(),
           " classes but the model has ", model.classes());
  Tally tally(model.classes(), options.detail, model.options());
  for (int64_t i = 0; i < first.batches(); ++i) {
    const std::vector<Batch> batches = read(views, i);
    const std::vector<int64_t> images = common(batches);
    if (!images.empty()) {
      std::vector<at::Tensor> scores;
      for (const Batch& batch : batches) {
        const at::Tensor& logits = model.logits(batch.pixels, options.weights, options.precision);
        scores.push_back(rows_of(batch, scores_of(logits), images));
      }
      const at::Tensor labels = rows_of(batches[0], batches[0].labels, images);
      tally.add(mean_of(scores), labels.to(model.options().device()));
    }
    if (first.is_stream() && batches[0].counted < first.batch()) break;
    between_batches();
  }
  if (ranks != nullptr) tally.sum_over(*ranks);
  const Evaluation found = tally.read();
  if (ranks != nullptr) ranks->check();
  LM_CHECK(found.count > 0, "ERR_DATASET", "None of the images can be used");
  return found;
}

}  // namespace lm
