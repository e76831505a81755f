// Pillow's mode HSV, 8 bits each; the same mix of float and double, for the same bytes.
#pragma once

#include <algorithm>
#include <cstdint>

namespace lm {

struct Hsv {
  uint8_t hue, saturation, value;
};

inline Hsv to_hsv(const uint8_t* rgb) {
  const int r = rgb[0], g = rgb[1], b = rgb[2];
  const int most = std::max({r, g, b}), least = std::min({r, g, b});
  if (most == least) return {0, 0, static_cast<uint8_t>(most)};
  const float range = static_cast<float>(most - least);
  const float from_r = static_cast<float>(most - r) / range, from_g = static_cast<float>(most - g) / range,
              from_b = static_cast<float>(most - b) / range;
  float hue = from_b - from_g;  // in sixths of the circle
  if (r != most) hue = static_cast<float>(g == most ? 2.0 + from_r - from_b : 4.0 + from_g - from_r);
  const double turned = hue / 6.0 + 1.0;  // between 0 and 2
  hue = static_cast<float>(turned >= 1 ? turned - 1 : turned);
  return {static_cast<uint8_t>(hue * 255.0), static_cast<uint8_t>(range / static_cast<float>(most) * 255.0),
          static_cast<uint8_t>(most)};
}

inline void to_rgb(const Hsv& colour, uint8_t* rgb) {
  const uint8_t v = colour.value;
  const double sixths = static_cast<double>(colour.hue) * 6.0 / 255.0;
  const int sector = static_cast<int>(sixths);
  const double f = static_cast<float>(sixths - sector);
  const double s = static_cast<float>(colour.saturation / 255.0);
  const auto level = [v](double part) { return static_cast<uint8_t>(v * part + 0.5); };
  const uint8_t p = level(1.0 - s), q = level(1.0 - s * f), t = level(1.0 - s * (1.0 - f));
  const uint8_t sectors[6][3] = {{v, t, p}, {q, v, p}, {p, v, t}, {p, q, v}, {t, p, v}, {v, p, q}};
  std::copy_n(sectors[sector % 6], 3, rgb);
}

}  // namespace lm
