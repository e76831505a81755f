#include "data/pictures/affine.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <utility>

namespace lm {
namespace {

// Output (x, y) shows input (a x + b y + c, d x + e y + f).
struct Matrix {
  double a, b, c, d, e, f;
};

// 16 bits behind the point, in 64 so that no size overflows.
int64_t fixed(double value) { return static_cast<int64_t>(std::floor(value * 65536.0 + 0.5)); }

void map(Image& image, Image& other, const Matrix& m) {
  const int width = image.width(), height = image.height();
  other.resize(width, height);
  const int64_t a = fixed(m.a), b = fixed(m.b), d = fixed(m.d), e = fixed(m.e);
  int64_t row_x = fixed(m.c + m.a * 0.5 + m.b * 0.5), row_y = fixed(m.f + m.d * 0.5 + m.e * 0.5);
  for (int y = 0; y < height; ++y, row_x += b, row_y += e) {
    uint8_t* to = other.row(y);
    int64_t from_x = row_x, from_y = row_y;
    for (int x = 0; x < width; ++x, to += 4, from_x += a, from_y += d) {
      const int64_t i = from_x >> 16, j = from_y >> 16;
      if (i >= 0 && i < width && j >= 0 && j < height)
        std::memcpy(to, image.row(static_cast<int>(j)) + i * 4, 4);
      else
        std::memset(to, 0, 4);
    }
  }
  std::swap(image, other);
}

// As Pillow: a right angle has a sine and cosine of 0 or 1.
double rounded(double value) { return std::nearbyint(value * 1e15) / 1e15; }

// Turned by so many quarters without a gap: exactly, not through the matrix.
bool turn_quarters(Image& image, Image& other, double degrees) {
  const bool square = image.width() == image.height();
  if (degrees != 0 && degrees != 180 && !(square && (degrees == 90 || degrees == 270))) return false;
  const int last_x = image.width() - 1, last_y = image.height() - 1;
  other.resize(image.width(), image.height());
  for (int y = 0; y <= last_y; ++y)
    for (int x = 0; x <= last_x; ++x) {
      const int from_x = degrees == 0 ? x : degrees == 180 ? last_x - x : degrees == 90 ? last_x - y : y;
      const int from_y = degrees == 0 ? y : degrees == 180 ? last_y - y : degrees == 90 ? x : last_y - x;
      std::memcpy(other.row(y) + static_cast<ptrdiff_t>(x) * 4,
                  image.row(from_y) + static_cast<ptrdiff_t>(from_x) * 4, 4);
    }
  std::swap(image, other);
  return true;
}

}  // namespace

void rotate(Image& image, Image& other, double degrees) {
  degrees -= 360 * std::floor(degrees / 360);
  if (turn_quarters(image, other, degrees)) return;
  const double angle = -degrees * std::numbers::pi / 180;
  const double cosine = rounded(std::cos(angle)), sine = rounded(std::sin(angle));
  const double x = image.width() / 2.0, y = image.height() / 2.0;
  map(image, other, {cosine, sine, cosine * -x + sine * -y + x, -sine, cosine, -sine * -x + cosine * -y + y});
}

void shear_x(Image& image, Image& other, double tangent) { map(image, other, {1, tangent, 0, 0, 1, 0}); }

void shear_y(Image& image, Image& other, double tangent) { map(image, other, {1, 0, 0, tangent, 1, 0}); }

void translate(Image& image, Image& other, int right, int down) {
  map(image, other, {1, 0, -1.0 * right, 0, 1, -1.0 * down});
}

}  // namespace lm
