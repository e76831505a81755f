// What a step of a training does together with the other ranks: all take it or none, its gradients are
// summed, and its loss, counts and flag are those of all images.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/ranks/ranks.h"
#include "core/train/gradient_sums.h"

namespace lm {

struct SharingOptions {
  bool sync_norm = false;                    // batch statistics are those of all ranks' images
  int64_t bucket_bytes = 25 << 20;           // of gradients that are summed at once, at most
  std::optional<at::ScalarType> compressed;  // what gradients are on the wire; none: their own type
};

// What a rank can say before a batch.
enum class Say : int64_t { kGo, kStop, kExhausted, kFailed };

class SharedSteps {
 public:
  SharedSteps(Ranks& ranks, Model& model, const SharingOptions& options);

  int world() const { return ranks_.world(); }
  int rank() const { return ranks_.rank(); }
  // Throws where a rank has failed since: numbers of a device may be of no sum.
  void check() { ranks_.check(); }
  // What each rank says, by rank.
  std::vector<Say> agree(Say own);
  // Every rank begins with what rank 0 has: weights, statistics, and the states of an optimiser.
  void begin(const std::vector<std::string>& sets, const std::vector<std::string>& buffer_sets);
  // Before a forward pass; the last batch of a step has its gradients summed while they are found.
  void prepare(Session& session, bool last);
  GradientWatcher* watcher(bool last) { return last ? &gradients_ : nullptr; }
  // After the last backward pass: the gradients are the sums of all ranks'.
  void sum_gradients() { gradients_.finish(); }
  // Flag, loss, counts and statistics of a step become those of all ranks: 1 where it was anywhere, mean,
  // sum, mean.
  void sum_rest(at::Tensor bad, at::Tensor loss, at::Tensor correct, at::Tensor statistics);

 private:
  Ranks& ranks_;
  Model& model_;
  SharingOptions options_;
  GradientSums gradients_;
};

}  // namespace lm
