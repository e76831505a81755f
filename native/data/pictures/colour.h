// Changes of colour, as Pillow's ImageEnhance and ImageOps make them: the same bytes.
#pragma once

#include <array>

#include "data/pictures/image.h"

namespace lm {

// Factor 1 leaves the image as it is. Levels are blended in float and cut off, not rounded.
void brighten(Image& image, double factor);
void change_contrast(Image& image, double factor);
void saturate(Image& image, double factor);
void sharpen(Image& image, Image& other, double factor);  // `other`: memory
void turn_hue(Image& image, double turns);                // by a part of the colour circle

void posterize(Image& image, int bits);
void solarize(Image& image, double threshold);
void solarize_add(Image& image, int add);  // to levels below 128
void auto_contrast(Image& image);
void equalize(Image& image);
void invert(Image& image);
void take_colour_away(Image& image);

// Adds to red, green and blue, rounds and clips.
void add_colour(Image& image, const std::array<double, 3>& levels);

// The part `share` of the way to another image of the same size.
void blend_with(Image& image, const Image& other, double share);

}  // namespace lm
