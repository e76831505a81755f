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

void put(uint8_t* to, const Reading& how) {
  std::copy(how.beyond.begin(), how.beyond.end(), to);
  to[3] = 0;
}

// 16 bits behind the point, in 64 so that no size overflows.
int64_t fixed(double value) { return static_cast<int64_t>(std::floor(value * 65536.0 + 0.5)); }

void map_nearest(const Image& image, Image& other, const Matrix& m, const Reading& how) {
  const int width = image.width(), height = image.height();
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
        put(to, how);
    }
  }
}

// Keys' cubic with a = -1 between the second and the third of four.
double cubic_between(double before, double from, double to, double after, double part) {
  const double slope = -before + to, bend = 2 * (before - from) + to - after,
               twist = -before + from - to + after;
  return from + part * (slope + part * (bend + part * twist));
}

// The pixels around a point in the middle of the image: kCount in either direction from (x, y), at (dx, dy)
// of the way behind the kCount / 2-th. Columns beyond the image are its outermost; a row below it is the one
// above it, and so is, as in Pillow, a row above it but the first.
template <int kCount>
struct Around {
  std::array<int, kCount> columns, rows;
  double dx, dy;

  Around(const Image& image, double from_x, double from_y) {
    const int x = static_cast<int>(std::floor(from_x - 0.5)), y = static_cast<int>(std::floor(from_y - 0.5));
    dx = from_x - 0.5 - x;
    dy = from_y - 0.5 - y;
    constexpr int kBefore = kCount / 2 - 1;
    for (int i = 0; i < kCount; ++i) {
      const int column = x - kBefore + i, row = y - kBefore + i;
      const auto at = static_cast<size_t>(i);
      columns[at] = 4 * std::clamp(column, 0, image.width() - 1);
      const bool inside = row >= 0 && row < image.height();
      rows[at] = i == 0 ? std::clamp(row, 0, image.height() - 1) : inside ? row : rows[at - 1];
    }
  }
};

struct Bilinear {
  static constexpr int kPixels = 2;
  static uint8_t level(const Image& image, const Around<2>& at, int c) {
    std::array<double, 2> down;
    for (size_t i = 0; i < 2; ++i) {
      const uint8_t* row = image.row(at.rows[i]) + c;
      const int from = row[at.columns[0]], to = row[at.columns[1]];
      down[i] = from + (to - from) * at.dx;
    }
    return static_cast<uint8_t>(down[0] + (down[1] - down[0]) * at.dy);
  }
};

struct Bicubic {
  static constexpr int kPixels = 4;
  static uint8_t level(const Image& image, const Around<4>& at, int c) {
    std::array<double, 4> down;
    for (size_t i = 0; i < 4; ++i) {
      const uint8_t* row = image.row(at.rows[i]) + c;
      down[i] = cubic_between(row[at.columns[0]], row[at.columns[1]], row[at.columns[2]], row[at.columns[3]],
                              at.dx);
    }
    const double value = cubic_between(down[0], down[1], down[2], down[3], at.dy);
    return static_cast<uint8_t>(std::clamp(value, 0.0, 255.0));
  }
};

template <typename Filter>
void map_smoothly(const Image& image, Image& other, const Matrix& m, const Reading& how) {
  const int width = image.width(), height = image.height();
  for (int y = 0; y < height; ++y) {
    uint8_t* to = other.row(y);
    for (int x = 0; x < width; ++x, to += 4) {
      const double from_x = m.a * (x + 0.5) + m.b * (y + 0.5) + m.c;
      const double from_y = m.d * (x + 0.5) + m.e * (y + 0.5) + m.f;
      put(to, how);
      if (!(from_x >= 0 && from_x < width && from_y >= 0 && from_y < height)) continue;
      const Around<Filter::kPixels> at(image, from_x, from_y);
      for (int c = 0; c < 3; ++c) to[c] = Filter::level(image, at, c);
    }
  }
}

void map(Image& image, Image& other, const Matrix& m, const Reading& how) {
  other.resize(image.width(), image.height());
  if (how.sampling == Sampling::kNearest) map_nearest(image, other, m, how);
  if (how.sampling == Sampling::kBilinear) map_smoothly<Bilinear>(image, other, m, how);
  if (how.sampling == Sampling::kBicubic) map_smoothly<Bicubic>(image, other, m, how);
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

void rotate(Image& image, Image& other, double degrees, const Reading& how) {
  degrees = std::fmod(degrees, 360.0);
  if (degrees < 0) degrees += 360;
  if (turn_quarters(image, other, degrees)) return;
  const double angle = -(degrees * (std::numbers::pi / 180));
  const double cosine = rounded(std::cos(angle)), sine = rounded(std::sin(angle));
  const double x = image.width() / 2.0, y = image.height() / 2.0;
  const Matrix about_centre{cosine, sine,   cosine * -x + sine * -y + x,
                            -sine,  cosine, -sine * -x + cosine * -y + y};
  map(image, other, about_centre, how);
}

void shear_x(Image& image, Image& other, double tangent, const Reading& how) {
  map(image, other, {1, tangent, 0, 0, 1, 0}, how);
}

void shear_y(Image& image, Image& other, double tangent, const Reading& how) {
  map(image, other, {1, 0, 0, tangent, 1, 0}, how);
}

void translate(Image& image, Image& other, double right, double down, const Reading& how) {
  map(image, other, {1, 0, -right, 0, 1, -down}, how);
}

}  // namespace lm
