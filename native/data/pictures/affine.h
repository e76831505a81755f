// Affine maps, as Pillow's transform(AFFINE): the same bytes. `other` is memory.
#pragma once

#include <array>

#include "data/pictures/image.h"

namespace lm {

// How a point between pixels is read, and the colour of what lies beyond the image.
enum class Sampling { kNearest, kBilinear, kBicubic };

struct Reading {
  Sampling sampling = Sampling::kNearest;
  std::array<uint8_t, 3> beyond{0, 0, 0};
};

void rotate(Image& image, Image& other, double degrees, const Reading& how = {});  // counter-clockwise
// Fixed at the top left corner; by the tangent of the angle.
void shear_x(Image& image, Image& other, double tangent, const Reading& how = {});
void shear_y(Image& image, Image& other, double tangent, const Reading& how = {});
void translate(Image& image, Image& other, double right, double down, const Reading& how = {});

}  // namespace lm
