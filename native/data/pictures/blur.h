// A blur, as Pillow's GaussianBlur makes it: the same bytes.
#pragma once

#include "data/pictures/image.h"

namespace lm {

// Three passes of a box of fractional width, which approach a Gaussian of deviation `radius` in pixels.
// `other` is memory.
void gaussian_blur(Image& image, Image& other, double radius);

}  // namespace lm
