#include "core/run/draws.h"

#include <algorithm>

#include "core/ops/mix.h"

namespace lm {
namespace {

using Weights1 = std::pair<std::vector<double>, std::vector<double>>;  // forward, backward

Weights1 same(std::vector<double> weights) { return {weights, weights}; }

Weights1 bernoulli(const MixAttributes& a, Rng& rng) {
  const bool stays = rng.uniform() < a.keep;
  return same({stays ? (a.scale_at_test ? 1.0 : 1 / a.keep) : 0.0});
}

Weights1 shake(const MixAttributes& a, Rng& rng) {
  const double forward = rng.uniform();
  const double own = rng.uniform();
  const double backward = a.backward == MixAttributes::Backward::kSame      ? forward
                          : a.backward == MixAttributes::Backward::kUniform ? own
                                                                            : 0.5;
  return {{forward, 1 - forward}, {backward, 1 - backward}};
}

// The mean of the branches that stay; one at random is revived when all fall.
Weights1 drop_path(const MixAttributes& a, size_t branches, Rng& rng) {
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
const char* law_name(MixAttributes::Law law) {
  if (law == MixAttributes::Law::kBernoulli) return "bernoulli";
  return law == MixAttributes::Law::kShake ? "shake" : "dropPath";
}

Weights1 expectation(const Node& node) {
  return same(std::vector<double>(node.inputs.size(), expected_weight(node)));
}

Weights1 draw_once(const Node& node, Rng& rng) {
  const auto& a = node.as<MixAttributes>();
  switch (a.law) {
    case MixAttributes::Law::kBernoulli:
      return bernoulli(a, rng);
    case MixAttributes::Law::kShake:
      return shake(a, rng);
    case MixAttributes::Law::kDropPath:
      return drop_path(a, node.inputs.size(), rng);
  }
  return expectation(node);
}

// The column that a global step keeps, through the whole network; none in a local step.
bool draw_column(const Node& node, const DrawKey& key, int64_t columns, Weights1& into) {
  const auto& a = node.as<MixAttributes>();
  if (a.law != MixAttributes::Law::kDropPath || a.global <= 0) return false;
  Rng rng = key.stream("column", "");
  if (rng.uniform() >= a.global) return false;
  const auto kept = static_cast<int64_t>(rng.below(static_cast<uint64_t>(columns)));
  std::vector<double> weights;
  for (int64_t column : a.columns) weights.push_back(column == kept ? 1 : 0);
  // A join inside another column may lack the kept one: nothing of it is used, so any branch will do.
  if (std::find(weights.begin(), weights.end(), 1.0) == weights.end()) weights[0] = 1;
  into = same(weights);
  return true;
}

// Each image of the batch for itself.
void draw_images(const Node& node, const DrawKey& key, MixWeights& into) {
  const auto& a = node.as<MixAttributes>();
  for (size_t i = 0; i < into.host_forward[0].size(); ++i) {
    Rng rng = key.stream(law_name(a.law), a.group, i);
    const auto [forward, backward] = draw_once(node, rng);
    for (size_t branch = 0; branch < forward.size(); ++branch) {
      into.host_forward[branch][i] = forward[branch];
      into.host_backward[branch][i] = backward[branch];
    }
  }
}

std::string name_of(std::string_view purpose, std::string_view group) {
  return std::string(purpose) + ":" + std::string(group);
}

}  // namespace

Rng DrawKey::stream(std::string_view purpose, std::string_view group) const {
  return Rng(seed, name_of(purpose, group), static_cast<uint64_t>(step));
}

Rng DrawKey::stream(std::string_view purpose, std::string_view group, size_t i) const {
  return image_stream(name_of(purpose, group), i);
}

Rng DrawKey::image_stream(std::string_view name, size_t i) const {
  const auto image = samples.empty() ? static_cast<uint64_t>(i) : static_cast<uint64_t>(samples[i]);
  return Rng(seed, name, static_cast<uint64_t>(step), image + 1);  // 0: the whole step
}

void draw_mix(const Node& node, bool training, const DrawKey& key, int64_t columns, MixWeights& into) {
  const auto& a = node.as<MixAttributes>();
  Weights1 once = expectation(node);
  const bool drawn = training && !draw_column(node, key, columns, once);
  into.per_image = drawn && a.per_image;
  if (into.per_image) {
    draw_images(node, key, into);
  } else if (drawn) {
    Rng rng = key.stream(law_name(a.law), a.group);
    once = draw_once(node, rng);
  }
  std::copy(once.first.begin(), once.first.end(), into.forward.begin());
  std::copy(once.second.begin(), once.second.end(), into.backward.begin());
}

}  // namespace lm
