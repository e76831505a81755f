// Affine maps, as Pillow's transform(AFFINE) with the nearest pixel: the same bytes. Beyond the image is
// black. `other` is memory.
#pragma once

#include "data/pictures/image.h"

namespace lm {

void rotate(Image& image, Image& other, double degrees);  // counter-clockwise about the centre
// Fixed at the top left corner; by the tangent of the angle.
void shear_x(Image& image, Image& other, double tangent);
void shear_y(Image& image, Image& other, double tangent);
void translate(Image& image, Image& other, int right, int down);

}  // namespace lm
