// Sums the gradients of a step over the ranks, in a few pieces of the flat tensor that they are, each of
// which starts as soon as the backward pass is done with it. The learned numbers of coefficients come last,
// for the backward pass finds them last.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "core/model.h"
#include "core/ranks/ranks.h"

namespace lm {

class GradientSums final : public GradientWatcher {
 public:
  // `compressed`: the type that numbers have on the wire; none: their own.
  GradientSums(Ranks& ranks, const Graph& graph, const Weights& gradients, int64_t bucket_bytes,
               std::optional<at::ScalarType> compressed);

  // Before the last backward pass of a step, whose plan it is.
  void begin(const Plan& plan);
  void gave(int param) override;
  void before_coefficients() override;
  // After it: the gradients are the sums.
  void finish();

 private:
  // Parameters first .. last - 1, which lie side by side.
  struct Bucket {
    int first, last;
    at::Tensor numbers;
  };
  // A bucket on its way.
  struct Travelling {
    at::Tensor numbers, sent;
    std::unique_ptr<Ranks::Sum> sum;
  };

  bool is_done(const Bucket& bucket) const;
  void send_done(bool all);

  Ranks& ranks_;
  std::vector<Bucket> buckets_;  // from the last parameters to the first
  std::set<int> learned_;        // parameters of coefficients
  std::vector<at::Tensor> views_;
  std::optional<at::ScalarType> compressed_;
  std::vector<int> left_;  // by parameter: ops that have not given their part
  size_t next_ = 0;        // bucket to send
  std::vector<Travelling> travelling_;
  std::vector<at::Tensor> before_;  // of coefficients: gradients of the batches before
};

}  // namespace lm
