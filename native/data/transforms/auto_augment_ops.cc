#include "data/transforms/auto_augment_ops.h"

#include <array>

#include "data/pictures/blur.h"
#include "data/pictures/colour.h"

namespace lm {
namespace {

int posterized_bits(const AugmentCall& c) { return static_cast<int>(c.level() * 4); }

int solarized_from(const AugmentCall& c) { return std::min(256, static_cast<int>(c.level() * 256)); }

double factor(const AugmentCall& c) { return c.level() * 1.8 + 0.1; }

double increasing_factor(AugmentCall& c) { return std::max(0.1, 1.0 + c.either_sign(c.level() * 0.9)); }

// Between `low` and `high`.
double within(const AugmentCall& c, double low, double high) {
  return std::clamp(low + (high - low) * c.level(), low, high);
}

template <void (*kChange)(Image&, double), double (*kFactor)(AugmentCall&)>
void enhance(AugmentCall& c) {
  kChange(c.s.image, kFactor(c));
}

double plain_factor(AugmentCall& c) { return factor(c); }

constexpr AugmentRow kRows[] = {
    {"AutoContrast", [](AugmentCall& c) { auto_contrast(c.s.image); }},
    {"Equalize", [](AugmentCall& c) { equalize(c.s.image); }},
    {"Invert", [](AugmentCall& c) { invert(c.s.image); }},
    {"Rotate", [](AugmentCall& c) { rotate(c.s.image, c.s.other, c.either_sign(c.level() * 30.0), c.how); }},
    {"ShearX", [](AugmentCall& c) { shear_x(c.s.image, c.s.other, c.either_sign(c.level() * 0.3), c.how); }},
    {"ShearY", [](AugmentCall& c) { shear_y(c.s.image, c.s.other, c.either_sign(c.level() * 0.3), c.how); }},
    {"TranslateXRel",
     [](AugmentCall& c) {
       const double part = c.either_sign(c.level() * c.farthest);
       translate(c.s.image, c.s.other, -(part * c.s.image.width()), 0, c.how);
     }},
    {"TranslateYRel",
     [](AugmentCall& c) {
       const double part = c.either_sign(c.level() * c.farthest);
       translate(c.s.image, c.s.other, 0, -(part * c.s.image.height()), c.how);
     }},
    {"Posterize", [](AugmentCall& c) { posterize(c.s.image, posterized_bits(c)); }},
    {"PosterizeIncreasing", [](AugmentCall& c) { posterize(c.s.image, 4 - posterized_bits(c)); }},
    {"PosterizeOriginal", [](AugmentCall& c) { posterize(c.s.image, posterized_bits(c) + 4); }},
    {"Solarize", [](AugmentCall& c) { solarize(c.s.image, solarized_from(c)); }},
    {"SolarizeIncreasing", [](AugmentCall& c) { solarize(c.s.image, 256 - solarized_from(c)); }},
    {"SolarizeAdd",
     [](AugmentCall& c) { solarize_add(c.s.image, std::min(128, static_cast<int>(c.level() * 110))); }},
    {"Color", enhance<saturate, plain_factor>},
    {"ColorIncreasing", enhance<saturate, increasing_factor>},
    {"Contrast", enhance<change_contrast, plain_factor>},
    {"ContrastIncreasing", enhance<change_contrast, increasing_factor>},
    {"Brightness", enhance<brighten, plain_factor>},
    {"BrightnessIncreasing", enhance<brighten, increasing_factor>},
    {"Sharpness", [](AugmentCall& c) { sharpen(c.s.image, c.s.other, factor(c)); }},
    {"SharpnessIncreasing", [](AugmentCall& c) { sharpen(c.s.image, c.s.other, increasing_factor(c)); }},
    {"Desaturate",
     [](AugmentCall& c) { saturate(c.s.image, std::clamp(1.0 - within(c, 0.5, 1.0), 0.0, 1.0)); }},
    {"GaussianBlur", [](AugmentCall& c) { gaussian_blur(c.s.image, c.s.other, within(c, 0.1, 2.0)); }},
    {"GaussianBlurRand",
     [](AugmentCall& c) {
       const Range radius{0.1, 2.0 * within(c, 0, 1)};
       gaussian_blur(c.s.image, c.s.other, radius.draw(c.rng));
     }},
};

}  // namespace

const AugmentRow& augment_row(std::string_view name) {
  for (const AugmentRow& row : kRows)
    if (row.name == name) return row;
  fail("ERR_CONFIG", "Unknown operation `", name, "` of a policy");
}

}  // namespace lm
