#include "data/pictures/colour.h"

#include <functional>
#include <optional>

#include "data/transforms/ops.h"

namespace lm {
namespace {

using OpPtr = std::unique_ptr<ImageOp>;

template <void (*kChange)(Image&, double)>
OpPtr by_factor(const Value& spec, const Normalisation&) {
  return make_op([factor = spec["factor"].number()](Rng&, TransformScratch& s) { kChange(s.image, factor); });
}

template <void (*kChange)(Image&)>
OpPtr always(const Value&, const Normalisation&) {
  return make_op([](Rng&, TransformScratch& s) { kChange(s.image); });
}

OpPtr sharpness(const Value& spec, const Normalisation&) {
  return make_op(
      [factor = spec["factor"].number()](Rng&, TransformScratch& s) { sharpen(s.image, s.other, factor); });
}

OpPtr posterized(const Value& spec, const Normalisation&) {
  const int64_t bits = spec["bits"].integer();
  LM_CHECK(bits >= 1 && bits <= 8, "ERR_CONFIG", "Expected 1 to 8 bits but received ", bits);
  return make_op([bits = static_cast<int>(bits)](Rng&, TransformScratch& s) { posterize(s.image, bits); });
}

OpPtr solarized(const Value& spec, const Normalisation&) {
  return make_op(
      [threshold = spec["threshold"].number()](Rng&, TransformScratch& s) { solarize(s.image, threshold); });
}

OpPtr grayscale(const Value& spec, const Normalisation&) {
  return make_op([p = spec["p"].number()](Rng& rng, TransformScratch& s) {
    if (rng.uniform() < p) take_colour_away(s.image);
  });
}

// A number x stands for middle ± x, factors not below 0; nothing where that changes nothing.
std::optional<Range> jitter_of(const Value& value, double middle) {
  const bool pair = std::holds_alternative<Value::List>(value.data);
  Range range = pair ? range_of(value) : Range{middle - value.number(), middle + value.number()};
  if (!pair && middle > 0) range.low = std::max(0.0, range.low);
  if (range.low == middle && range.high == middle) return std::nullopt;
  return range;
}

class ColorJitter final : public ImageOp {
 public:
  explicit ColorJitter(const Value& spec)
      : ranges_{jitter_of(spec["brightness"], 1), jitter_of(spec["contrast"], 1),
                jitter_of(spec["saturation"], 1), jitter_of(spec["hue"], 0)} {}

  void apply(Rng& rng, TransformScratch& scratch) const override {
    static constexpr void (*kChanges[])(Image&, double) = {brighten, change_contrast, saturate, turn_hue};
    std::array<size_t, 4> order{0, 1, 2, 3};
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
    for (const size_t i : order)
      if (ranges_[i]) kChanges[i](scratch.image, ranges_[i]->draw(rng));
  }

 private:
  std::array<std::optional<Range>, 4> ranges_;
};

OpPtr color_jitter(const Value& spec, const Normalisation&) { return std::make_unique<ColorJitter>(spec); }

// Krizhevsky, Sutskever, Hinton 2012, with the numbers of fb.resnet.torch, for levels in [0, 1].
OpPtr lighting(const Value& spec, const Normalisation&) {
  return make_op([std = spec["std"].number()](Rng& rng, TransformScratch& s) {
    static constexpr double kValues[3] = {0.2175, 0.0188, 0.0045};
    static constexpr double kVectors[3][3] = {
        {-0.5675, 0.7192, 0.4009}, {-0.5808, -0.0045, -0.8140}, {-0.5836, -0.6948, 0.4203}};
    std::array<double, 3> levels{};
    for (size_t i = 0; i < 3; ++i) {
      const double amount = 255 * kValues[i] * std * rng.normal();
      for (size_t c = 0; c < 3; ++c) levels[c] += kVectors[c][i] * amount;
    }
    add_colour(s.image, levels);
  });
}

}  // namespace

std::span<const OpRow> colour_rows() {
  static constexpr OpRow rows[] = {
      {"brightness", by_factor<brighten>},
      {"contrast", by_factor<change_contrast>},
      {"saturation", by_factor<saturate>},
      {"sharpness", sharpness},
      {"hue", by_factor<turn_hue>},
      {"posterize", posterized},
      {"solarize", solarized},
      {"autoContrast", always<auto_contrast>},
      {"equalize", always<equalize>},
      {"invert", always<invert>},
      {"grayscale", grayscale},
      {"colorJitter", color_jitter},
      {"lighting", lighting},
  };
  return rows;
}

}  // namespace lm
