// Operations that hide a part of the image, in levels: their neutral value is the mean of the network's
// normalisation, 0 behind it.
#include <array>
#include <cmath>

#include "data/transforms/window.h"

namespace lm {
namespace {

struct Patch {
  int left, top, right, bottom;
};

uint8_t level_of(double part) {
  return static_cast<uint8_t>(std::nearbyint(std::clamp(255 * part, 0.0, 255.0)));
}

// Of channel c; a gray network has one for all.
double channel(const std::vector<double>& values, size_t c) { return values[std::min(c, values.size() - 1)]; }

template <typename Level>
void fill(Image& image, const Patch& patch, const Level& level) {
  for (int y = patch.top; y < patch.bottom; ++y)
    for (int x = patch.left; x < patch.right; ++x)
      for (size_t c = 0; c < 3; ++c) image.row(y)[static_cast<size_t>(x) * 4 + c] = level(c);
}

using Colour = std::array<uint8_t, 3>;

class RandomErasing final : public ImageOp {
 public:
  RandomErasing(const Value& spec, const Normalisation& normalisation)
      : p_(spec["p"].number()),
        scale_(range_of(spec["scale"])),
        ratio_(range_of(spec["ratio"])),
        normalisation_(normalisation),
        colour_(mean_colour(normalisation)),
        most_(static_cast<int>(spec["count"].integer())) {
    LM_CHECK(most_ >= 1, "ERR_CONFIG", "Expected at least one rectangle but received ", most_);
    const Value& value = spec["value"];
    if (const double* level = std::get_if<double>(&value.data))
      colour_.fill(level_of(*level / 255));
    else
      noise_ = value.text() == "random"  ? Noise::kPixel
               : value.text() == "color" ? Noise::kColour
                                         : Noise::kNone;
  }

  void apply(Rng& rng, TransformScratch& scratch) const override {
    Image& image = scratch.image;
    if (rng.uniform() >= p_) return;
    const int count = most_ == 1 ? 1 : 1 + draw_below(rng, most_);
    for (int i = 0; i < count; ++i) erase(image, draw(image.width(), image.height(), count, rng), rng);
  }

 private:
  enum class Noise { kNone, kPixel, kColour };

  void erase(Image& image, const Patch& patch, Rng& rng) const {
    const auto noise = [&](size_t c) {
      return level_of(channel(normalisation_.mean, c) + channel(normalisation_.std, c) * rng.normal());
    };
    if (noise_ == Noise::kPixel) return fill(image, patch, noise);
    Colour colour = colour_;
    if (noise_ == Noise::kColour) colour = {noise(0), noise(1), noise(2)};
    fill(image, patch, [&](size_t c) { return colour[c]; });
  }

  // Empty where ten attempts gave none that is smaller than the image.
  Patch draw(int width, int height, int count, Rng& rng) const {
    const double area = static_cast<double>(width) * height / count;
    const Range log_ratio{std::log(ratio_.low), std::log(ratio_.high)};
    for (int attempt = 0; attempt < 10; ++attempt) {
      const double part = area * scale_.draw(rng), aspect = std::exp(log_ratio.draw(rng));
      const double h = std::nearbyint(std::sqrt(part * aspect)), w = std::nearbyint(std::sqrt(part / aspect));
      if (h >= height || w >= width) continue;
      const int top = draw_below(rng, height - static_cast<int>(h) + 1);
      const int left = draw_below(rng, width - static_cast<int>(w) + 1);
      return {left, top, left + static_cast<int>(w), top + static_cast<int>(h)};
    }
    return {0, 0, 0, 0};
  }

  double p_;
  Range scale_, ratio_;
  Normalisation normalisation_;
  Colour colour_;
  Noise noise_ = Noise::kNone;
  int most_;
};

std::unique_ptr<ImageOp> random_erasing(const Value& spec, const Normalisation& normalisation) {
  return std::make_unique<RandomErasing>(spec, normalisation);
}

// The square is cut off at the border of the image.
std::unique_ptr<ImageOp> cutout(const Value& spec, const Normalisation& normalisation) {
  return make_op(
      [size = side_of(spec["size"]), colour = mean_colour(normalisation)](Rng& rng, TransformScratch& s) {
        const int width = s.image.width(), height = s.image.height();
        const int top = draw_below(rng, height) - size / 2, left = draw_below(rng, width) - size / 2;
        const Patch patch{std::max(0, left), std::max(0, top), std::min(width, left + size),
                          std::min(height, top + size)};
        fill(s.image, patch, [&](size_t c) { return colour[c]; });
      });
}

}  // namespace

std::array<uint8_t, 3> mean_colour(const Normalisation& n) {
  LM_CHECK(!n.mean.empty() && n.std.size() == n.mean.size(), "ERR_CONFIG",
           "Expected a mean and std per channel");
  return {level_of(channel(n.mean, 0)), level_of(channel(n.mean, 1)), level_of(channel(n.mean, 2))};
}

std::span<const OpRow> erase_rows() {
  static constexpr OpRow rows[] = {{"randomErasing", random_erasing}, {"cutout", cutout}};
  return rows;
}

}  // namespace lm
