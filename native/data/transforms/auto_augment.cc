// timm's policies (AutoAugment, RandAugment, AugMix, 3-Augment), expanded by src/transforms/autoAugment.ts to
// lists of operations, each with a probability and a magnitude.
#include <cmath>
#include <cstring>

#include "data/pictures/colour.h"
#include "data/transforms/auto_augment_ops.h"

namespace lm {
namespace {

struct Step {
  const AugmentRow* row;
  double probability, magnitude;
};

using Steps = std::vector<Step>;

Steps steps_of(const Value& value) {
  Steps steps;
  for (const Value& step : value.list())
    steps.push_back(
        {&augment_row(step["op"].text()), step["probability"].number(), step["magnitude"].number()});
  LM_CHECK(!steps.empty(), "ERR_CONFIG", "Expected at least one operation in a policy");
  return steps;
}

// How all operations of a policy draw and read.
class Strokes {
 public:
  Strokes(const Value& spec, const Normalisation& normalisation)
      : uniform_(std::holds_alternative<std::nullptr_t>(spec["deviation"].data)),
        deviation_(uniform_ ? 0 : spec["deviation"].number()),
        most_(spec["most"].number()),
        farthest_(spec["farthest"].number()),
        how_{Sampling::kBilinear, mean_colour(normalisation)} {
    const std::string& sampling = spec["interpolation"].text();
    one_of_two_ = sampling == "random";
    if (sampling == "nearest") how_.sampling = Sampling::kNearest;
    if (sampling == "bicubic") how_.sampling = Sampling::kBicubic;
  }

  void apply(const Step& step, Rng& rng, TransformScratch& s) const {
    if (step.probability < 1 && rng.uniform() > step.probability) return;
    AugmentCall call{s, rng, magnitude(step.magnitude, rng), farthest_, how_};
    if (one_of_two_) call.how.sampling = rng.below(2) == 1 ? Sampling::kBicubic : Sampling::kBilinear;
    step.row->apply(call);
  }

 private:
  double magnitude(double wanted, Rng& rng) const {
    const double drawn = uniform_         ? wanted * rng.uniform()
                         : deviation_ > 0 ? wanted + deviation_ * rng.normal()
                                          : wanted;
    return std::clamp(drawn, 0.0, most_);
  }

  bool uniform_;
  double deviation_, most_, farthest_;
  Reading how_;
  bool one_of_two_;
};

// One chain of operations, drawn from a list of chains.
class AutoAugment final : public ImageOp {
 public:
  AutoAugment(const Value& spec, const Normalisation& normalisation) : strokes_(spec, normalisation) {
    for (const Value& chain : spec["chains"].list()) chains_.push_back(steps_of(chain));
    LM_CHECK(!chains_.empty(), "ERR_CONFIG", "Expected at least one chain in a policy");
  }

  void apply(Rng& rng, TransformScratch& s) const override {
    for (const Step& step : chains_[rng.below(chains_.size())]) strokes_.apply(step, rng, s);
  }

 private:
  Strokes strokes_;
  std::vector<Steps> chains_;
};

// `count` operations of a list: any as often as it is drawn, or each at most once, by weight.
class TimmRandAugment final : public ImageOp {
 public:
  TimmRandAugment(const Value& spec, const Normalisation& normalisation)
      : strokes_(spec, normalisation), steps_(steps_of(spec["steps"])), count_(spec["count"].integer()) {
    if (const Value* weights = spec.find("weights")) weights_ = weights->numbers();
    LM_CHECK(weights_.empty() ||
                 (weights_.size() == steps_.size() && count_ <= static_cast<int64_t>(steps_.size())),
             "ERR_CONFIG", "Expected a weight for each operation, and no more draws than operations");
  }

  void apply(Rng& rng, TransformScratch& s) const override {
    std::vector<double> weights = weights_;
    for (int64_t i = 0; i < count_; ++i)
      strokes_.apply(steps_[weights.empty() ? rng.below(steps_.size()) : take(weights, rng)], rng, s);
  }

 private:
  // What was taken weighs nothing afterwards.
  static size_t take(std::vector<double>& weights, Rng& rng) {
    double total = 0;
    for (const double weight : weights) total += weight;
    double left = total * rng.uniform();
    size_t last = 0;
    for (size_t i = 0; i < weights.size(); ++i) {
      if (weights[i] == 0) continue;
      last = i;
      if (left < weights[i]) break;
      left -= weights[i];
    }
    weights[last] = 0;
    return last;
  }

  Strokes strokes_;
  Steps steps_;
  int64_t count_;
  std::vector<double> weights_;
};

// Hendrycks et al. 2020: chains that begin with the image, mixed by Dirichlet weights, and the mixture with
// the image by a Beta weight; `blended`: each chain is mixed into the result by itself.
class AugMix final : public ImageOp {
 public:
  AugMix(const Value& spec, const Normalisation& normalisation)
      : strokes_(spec, normalisation),
        steps_(steps_of(spec["steps"])),
        alpha_(spec["alpha"].number()),
        width_(spec["width"].integer()),
        depth_(spec["depth"].integer()),
        blended_(spec["blended"].boolean()) {
    LM_CHECK(alpha_ > 0 && width_ >= 1, "ERR_CONFIG", "Expected a positive alpha and at least one chain");
  }

  void apply(Rng& rng, TransformScratch& s) const override {
    const std::vector<float> weights = dirichlet(rng);
    const auto share = static_cast<float>(rng.beta(alpha_, alpha_));
    copy(s.image, s.original);
    if (blended_)
      blend_chains(weights, share, rng, s);
    else
      mix_chains(weights, share, rng, s);
  }

 private:
  // By breaking a stick: each takes a Beta part of what is left.
  std::vector<float> dirichlet(Rng& rng) const {
    std::vector<float> weights;
    double left = 1;
    for (int64_t i = 1; i < width_; ++i) {
      const double weight = left * rng.beta(alpha_, alpha_ * static_cast<double>(width_ - i));
      weights.push_back(static_cast<float>(weight));
      left -= weight;
    }
    weights.push_back(static_cast<float>(left));
    return weights;
  }

  static void copy(const Image& from, Image& to) {
    to.resize(from.width(), from.height());
    std::memcpy(to.row(0), from.row(0), from.bytes());
  }

  // One to three operations, unless told.
  void run_chain(Rng& rng, TransformScratch& s) const {
    const int64_t depth = depth_ > 0 ? depth_ : 1 + draw_below(rng, 3);
    for (int64_t i = 0; i < depth; ++i) strokes_.apply(steps_[rng.below(steps_.size())], rng, s);
  }

  void mix_chains(const std::vector<float>& weights, float share, Rng& rng, TransformScratch& s) const {
    s.mixed.assign(s.image.bytes(), 0);
    for (const float weight : weights) {
      copy(s.original, s.image);
      run_chain(rng, s);
      const uint8_t* level = s.image.row(0);
      for (float& sum : s.mixed) sum += weight * static_cast<float>(*level++);
    }
    uint8_t* level = s.image.row(0);
    for (const float sum : s.mixed) *level++ = static_cast<uint8_t>(std::clamp(sum, 0.0f, 255.0f));
    std::swap(s.image, s.original);
    blend_with(s.image, s.original, share);
  }

  void blend_chains(const std::vector<float>& weights, float share, Rng& rng, TransformScratch& s) const {
    Image result;
    copy(s.original, result);
    for (const float part : parts_of(weights, share)) {
      copy(s.original, s.image);
      run_chain(rng, s);
      blend_with(result, s.image, part);
    }
    std::swap(s.image, result);
  }

  // Of each chain at its turn, so that it has its weight in the end.
  static std::vector<float> parts_of(std::vector<float> weights, float share) {
    float left = 1;
    for (size_t i = weights.size(); i-- > 0;) {
      weights[i] = weights[i] * share / left;
      left *= 1 - weights[i];
    }
    return weights;
  }

  Strokes strokes_;
  Steps steps_;
  double alpha_;
  int64_t width_, depth_;
  bool blended_;
};

template <typename Op>
std::unique_ptr<ImageOp> make(const Value& spec, const Normalisation& normalisation) {
  return std::make_unique<Op>(spec, normalisation);
}

}  // namespace

std::span<const OpRow> auto_augment_rows() {
  static constexpr OpRow rows[] = {{"timmAutoAugment", make<AutoAugment>},
                                   {"timmRandAugment", make<TimmRandAugment>},
                                   {"augMix", make<AugMix>}};
  return rows;
}

}  // namespace lm
