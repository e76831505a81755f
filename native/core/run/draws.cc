#include "core/run/draws.h"

#include <algorithm>

namespace lm {
namespace {

using Weights1 = std::pair<std::vector<double>, std::vector<double>>;  // forward, backward

Weights1 same(std::vector<double> weights) { return {weights, weights}; }

Weights1 bernoulli(const Attrs& a, Rng& rng) {
  const bool stays = rng.uniform() < a.keep;
  return same({stays ? (a.scale_at_test ? 1.0 : 1 / a.keep) : 0.0});
}

Weights1 shake(const Attrs& a, Rng& rng) {
  const double forward = rng.uniform();
  const double own = rng.uniform();
  const double backward = a.backward == Attrs::Backward::kSame      ? forward
                          : a.backward == Attrs::Backward::kUniform ? own
                                                                    : 0.5;
  return {{forward, 1 - forward}, {backward, 1 - backward}};
}

// The mean of the branches that stay; one at random is revived when all fall.
Weights1 drop_path(const Attrs& a, size_t branches, Rng& rng) {
  std::vector<double> weights(branches);
  for (double& w : weights) w = rng.uniform() < a.keep ? 1 : 0;
  const uint64_t revived = rng.below(branches);
  if (std::all_of(weights.begin(), weights.end(), [](double w) { return w == 0; })) weights[revived] = 1;
  double alive = 0;
  for (double w : weights) alive += w;
  for (double& w : weights) w /= alive;
  return same(weights);
}

// Two laws of one group draw apart.
const char* law_name(Attrs::Law law) {
  if (law == Attrs::Law::kBernoulli) return "bernoulli";
  return law == Attrs::Law::kShake ? "shake" : "dropPath";
}

Weights1 expectation(const Node& node) {
  const auto n = node.inputs.size();
  if (node.attrs.law == Attrs::Law::kBernoulli)
    return same({node.attrs.scale_at_test ? node.attrs.keep : 1.0});
  return same(std::vector<double>(n, 1 / static_cast<double>(n)));
}

Weights1 draw_once(const Node& node, Rng& rng) {
  switch (node.attrs.law) {
    case Attrs::Law::kBernoulli:
      return bernoulli(node.attrs, rng);
    case Attrs::Law::kShake:
      return shake(node.attrs, rng);
    case Attrs::Law::kDropPath:
      return drop_path(node.attrs, node.inputs.size(), rng);
  }
  return expectation(node);
}

// The column that a global step keeps, through the whole network; none in a local step.
bool draw_column(const Node& node, const DrawKey& key, Weights1& into) {
  const Attrs& a = node.attrs;
  if (a.law != Attrs::Law::kDropPath || a.global <= 0) return false;
  Rng rng = key.stream("column", "");
  if (rng.uniform() >= a.global) return false;
  const auto kept = static_cast<int64_t>(rng.below(static_cast<uint64_t>(key.columns)));
  std::vector<double> weights;
  for (int64_t column : a.columns) weights.push_back(column == kept ? 1 : 0);
  // A join inside another column may lack the kept one: nothing of it is used, so any branch will do.
  if (std::find(weights.begin(), weights.end(), 1.0) == weights.end()) weights[0] = 1;
  into = same(weights);
  return true;
}

at::Tensor column_of(const std::vector<std::vector<double>>& rows, size_t branch, size_t dims,
                     const at::TensorOptions& options) {
  std::vector<double> values;
  for (const auto& row : rows) values.push_back(row[branch]);
  Sizes shape(dims, 1);
  shape[0] = static_cast<int64_t>(values.size());
  return at::tensor(values, at::kDouble).view(shape).to(options.device(), options.dtype().toScalarType());
}

}  // namespace

bool MixWeights::drops_all() const {
  for (size_t i = 0; i < forward.size(); ++i)
    if (!drops(i)) return false;
  return !per_sample();
}

MixWeights draw_mix(const Node& node, const Sizes& shape, bool training, const DrawKey& key,
                    const at::TensorOptions& options) {
  MixWeights out;
  Weights1 once = expectation(node);
  if (training && !draw_column(node, key, once)) {
    Rng rng = key.stream(law_name(node.attrs.law), node.attrs.group);
    if (node.attrs.per_sample) {
      std::vector<std::vector<double>> forward, backward;
      for (int64_t i = 0; i < shape[0]; ++i) {
        auto [f, b] = draw_once(node, rng);
        forward.push_back(std::move(f));
        backward.push_back(std::move(b));
      }
      for (size_t branch = 0; branch < node.inputs.size(); ++branch) {
        out.forward_tensors.push_back(column_of(forward, branch, shape.size(), options));
        out.backward_tensors.push_back(column_of(backward, branch, shape.size(), options));
      }
    } else {
      once = draw_once(node, rng);
    }
  }
  std::tie(out.forward, out.backward) = once;
  return out;
}

}  // namespace lm
