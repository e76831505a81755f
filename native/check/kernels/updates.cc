#include "check/kernels/checks.h"
#include "core/train/optimizer.h"

namespace lm {
namespace {

using at::Tensor;

enum SetName { kWeights, kGradient, kMomentum, kSecond, kSets };
constexpr const char* names[]{"weights", "gradient", "momentum", "second moment"};

using Sets = std::array<Weights, kSets>;

std::vector<Tensor> views_of(const Weights& set, const ParamGroup& group) {
  std::vector<Tensor> views;
  for (int i : group.params) views.push_back(set.views[static_cast<size_t>(i)]);
  return views;
}

// Two random groups, and tensors in neither.
OptimizerSpec random_groups(Case& c, size_t tensors) {
  OptimizerSpec spec;
  spec.groups.resize(2);
  for (ParamGroup& group : spec.groups) {
    group.lr_scale = c.chance() ? 1 : c.rng.uniform();
    group.decay_scale = c.chance() ? 1 : 0;
  }
  for (size_t i = 0; i < tensors; ++i)
    if (const int64_t group = c.below(3); group < 2)
      spec.groups[static_cast<size_t>(group)].params.push_back(static_cast<int>(i));
  return spec;
}

Sets random_sets(Case& c, size_t tensors) {
  std::vector<Sizes> shapes;
  for (size_t i = 0; i < tensors; ++i)
    shapes.push_back(c.chance() ? Sizes{c.below(70) + 1}
                                : Sizes{c.below(9) + 1, c.below(9) + 1, c.below(3) + 1, c.below(3) + 1});
  Sets sets;
  for (Weights& set : sets) set = Weights::zeros(shapes, at::TensorOptions().dtype(c.type));
  for (size_t s = 0; s < kSets; ++s)
    for (const Tensor& view : sets[s].views) {
      const Tensor numbers = c.random(view.sizes(), at::kDouble);
      view.copy_(s == kSecond ? numbers.square() : numbers);
    }
  return sets;
}

struct Rates {
  double count, lr, momentum, decay;
};

Update update_of(const Case& c, const Sets& sets, const FlatGroups& groups, const Rates& rates, bool skip) {
  const auto one = [](double number) { return at::scalar_tensor(number, at::kDouble); };
  return {sets[kWeights].flat,
          sets[kGradient].flat,
          sets[kMomentum].flat,
          sets[kSecond].flat,
          groups.group_of,
          groups.scales.to(c.wide()),
          one(rates.count),
          one(rates.lr),
          one(rates.momentum),
          one(rates.decay),
          at::full({1}, skip ? 1 : 0, at::kFloat)};
}

void report_sets(const Case& c, const char* kernel, const Sets& found, const Sets& wanted, bool is_exact) {
  for (size_t s = 0; s < kSets; ++s)
    report(c, (std::string(kernel) + ": " + names[s]).c_str(), found[s].flat, wanted[s].flat,
           is_exact ? 0 : largest(wanted[s].flat));
}

// The numbers as the kernels read them, in float64.
Rates rounded(const Case& c, const Rates& r) {
  const auto as_read = [&](double number) {
    return c.type == at::kDouble ? number : static_cast<double>(static_cast<float>(number));
  };
  return {r.count, as_read(r.lr), as_read(r.momentum), as_read(r.decay)};
}

void sgd_exactly(const OptimizerSpec& spec, const SgdMove& move, const Rates& r, const Sets& sets) {
  for (const ParamGroup& group : spec.groups) {
    if (group.params.empty()) continue;
    const double momentum = move.bare ? 0 : r.momentum;
    std::vector<Tensor> m;
    if (momentum != 0) m = views_of(sets[kMomentum], group);
    at::_fused_sgd_(views_of(sets[kWeights], group), views_of(sets[kGradient], group), m,
                    move.bare ? 0 : r.decay * group.decay_scale, momentum, r.lr * group.lr_scale,
                    move.dampening, move.nesterov && momentum != 0, /*maximize=*/false,
                    r.count == 0 && move.dampening != 0);
  }
}

void adam_exactly(const OptimizerSpec& spec, const AdamMove& move, const Rates& r, const Sets& sets) {
  for (const ParamGroup& group : spec.groups) {
    if (group.params.empty()) continue;
    const std::vector<Tensor> w = views_of(sets[kWeights], group);
    std::vector<Tensor> moved;
    for (const Tensor& t : w) moved.push_back(t.clone());
    const std::vector<Tensor> counts(w.size(), at::full({1}, r.count + 1, at::kFloat));
    // At rate 1 the weights move by what LAMB wants to know.
    at::_fused_adamw_(moved, views_of(sets[kGradient], group), views_of(sets[kMomentum], group),
                      views_of(sets[kSecond], group), {}, counts, move.moves ? r.lr * group.lr_scale : 1,
                      r.momentum, move.beta2, r.decay * group.decay_scale, move.eps, /*amsgrad=*/false,
                      /*maximize=*/false);
    const std::vector<Tensor> g = views_of(sets[kGradient], group);
    for (size_t i = 0; i < w.size(); ++i) move.moves ? w[i].copy_(moved[i]) : g[i].copy_(w[i] - moved[i]);
  }
}

Sets in_float64(const Sets& sets) {
  Sets out;
  for (size_t s = 0; s < kSets; ++s) out[s] = sets[s].copy(at::kDouble);
  return out;
}

}  // namespace

void check_updates(Case& c) {
  const auto tensors = static_cast<size_t>(c.below(6) + 1);
  const OptimizerSpec spec = random_groups(c, tensors);
  const Sets before = random_sets(c, tensors);
  const FlatGroups groups = FlatGroups::of(spec, before[kWeights].copy(at::kDouble));
  const Rates rates{static_cast<double>(c.below(3)), c.rng.uniform(), c.below(3) == 0 ? 0 : c.rng.uniform(),
                    c.chance() ? c.rng.uniform() : 0};
  const SgdMove sgd{
      .dampening = c.chance() ? c.rng.uniform() : 0, .nesterov = c.chance(), .bare = c.below(4) == 0};
  const AdamMove adam{.beta2 = 0.5 + c.rng.uniform() / 2, .eps = 1e-3, .moves = c.chance()};
  const bool skips = c.below(4) == 0;
  const auto check = [&](const char* name, const auto& kernel, const auto& exactly) {
    Sets found, wanted = in_float64(before);
    for (size_t s = 0; s < kSets; ++s) found[s] = before[s].copy(c.type);
    kernel(update_of(c, found, groups, rates, skips));
    if (!skips) exactly(rounded(c, rates), wanted);
    report_sets(c, name, found, wanted, skips);
  };
  check(
      "SGD", [&](const Update& u) { c.kernels->sgd(u, sgd); },
      [&](const Rates& r, const Sets& sets) { sgd_exactly(spec, sgd, r, sets); });
  check(
      adam.moves ? "AdamW" : "move of LAMB", [&](const Update& u) { c.kernels->adam(u, adam); },
      [&](const Rates& r, const Sets& sets) { adam_exactly(spec, adam, r, sets); });
}

}  // namespace lm
