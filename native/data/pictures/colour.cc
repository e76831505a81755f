#include "data/pictures/colour.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "data/pictures/hsv.h"

// Float is never contracted here, so both give the same bytes.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define LM_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define LM_CLONES
#endif

namespace lm {
namespace {

using Table = std::array<uint8_t, 256>;
using Tables = std::array<Table, 3>;

size_t pixels_of(const Image& image) { return image.bytes() / 4; }

template <typename Body>
void each_pixel(Image& image, const Body& body) {
  uint8_t* pixel = image.row(0);
  for (size_t i = 0, count = pixels_of(image); i < count; ++i, pixel += 4) body(pixel);
}

void look_up(Image& image, const Table& red, const Table& green, const Table& blue) {
  each_pixel(image, [&](uint8_t* pixel) {
    pixel[0] = red[pixel[0]];
    pixel[1] = green[pixel[1]];
    pixel[2] = blue[pixel[2]];
  });
}

template <typename Level>
Table table_of(const Level& level) {
  Table table;
  for (int i = 0; i < 256; ++i) table[static_cast<size_t>(i)] = level(i);
  return table;
}

template <typename Level>
void map_levels(Image& image, const Level& level) {
  const Table table = table_of(level);
  look_up(image, table, table, table);
}

uint8_t clipped(double level) { return static_cast<uint8_t>(std::clamp(level, 0.0, 255.0)); }

// The integer part of from + (to - from) * factor.
uint8_t blend(int from, int to, float factor) {
  const float level = static_cast<float>(from) + factor * static_cast<float>(to - from);
  return static_cast<uint8_t>(std::clamp(level, 0.0f, 255.0f));
}

int luma(const uint8_t* pixel) {  // ITU-R 601 in 16 bits, as Pillow's mode L
  return (19595 * pixel[0] + 38470 * pixel[1] + 7471 * pixel[2] + 32768) >> 16;
}

int mean_luma(Image& image) {
  int64_t sum = 0;
  each_pixel(image, [&](const uint8_t* pixel) { sum += luma(pixel); });
  return static_cast<int>(static_cast<double>(sum) / static_cast<double>(pixels_of(image)) + 0.5);
}

using Histogram = std::array<int64_t, 256>;

std::array<Histogram, 3> histograms(Image& image) {
  std::array<Histogram, 3> counts{};
  each_pixel(image, [&](const uint8_t* pixel) {
    for (size_t c = 0; c < 3; ++c) ++counts[c][pixel[c]];
  });
  return counts;
}

template <typename TableOf>
void map_by_histogram(Image& image, const TableOf& table_of) {
  const auto counts = histograms(image);
  look_up(image, table_of(counts[0]), table_of(counts[1]), table_of(counts[2]));
}

bool some(int64_t count) { return count != 0; }

Table identity() {
  return table_of([](int i) { return static_cast<uint8_t>(i); });
}

Table stretched(const Histogram& counts) {
  const auto low = std::find_if(counts.begin(), counts.end(), some) - counts.begin();
  const auto high = 255 - (std::find_if(counts.rbegin(), counts.rend(), some) - counts.rbegin());
  if (high <= low) return identity();
  const double scale = 255.0 / static_cast<double>(high - low), offset = -static_cast<double>(low) * scale;
  return table_of([&](int i) { return clipped(i * scale + offset); });
}

Table flattened(const Histogram& counts) {
  const int64_t last = *std::find_if(counts.rbegin(), counts.rend(), some);
  int64_t sum = 0;
  for (const int64_t count : counts) sum += count;
  const int64_t step = (sum - last) / 255;
  if (step == 0) return identity();
  int64_t below = step / 2;
  return table_of([&](int i) {
    const int64_t level = std::min(int64_t{255}, below / step);
    below += counts[static_cast<size_t>(i)];
    return static_cast<uint8_t>(level);
  });
}

LM_CLONES void blend_with_gray(uint8_t* pixel, size_t count, float factor) {
  for (size_t i = 0; i < count; ++i, pixel += 4) {
    const int gray = luma(pixel);
    for (int c = 0; c < 4; ++c) pixel[c] = blend(gray, pixel[c], factor);
  }
}

// A row of a blurred image (mean of nine, weight 5 in the middle, rounded) blended with the row itself.
LM_CLONES void sharpen_row(const uint8_t* __restrict above, const uint8_t* __restrict at,
                           const uint8_t* __restrict below, int bytes, float factor, uint8_t* __restrict to) {
  for (int i = 4; i < bytes - 4; ++i) {
    const int sum = above[i - 4] + above[i] + above[i + 4] + at[i - 4] + 5 * at[i] + at[i + 4] +
                    below[i - 4] + below[i] + below[i + 4];
    to[i] = blend(static_cast<int>((static_cast<unsigned>(sum) * 2 + 13) / 26), at[i], factor);
  }
}

}  // namespace

void brighten(Image& image, double factor) {
  map_levels(image, [f = static_cast<float>(factor)](int i) { return blend(0, i, f); });
}

void change_contrast(Image& image, double factor) {
  map_levels(image,
             [mean = mean_luma(image), f = static_cast<float>(factor)](int i) { return blend(mean, i, f); });
}

void saturate(Image& image, double factor) {
  blend_with_gray(image.row(0), pixels_of(image), static_cast<float>(factor));
}

void sharpen(Image& image, Image& other, double factor) {
  other.resize(image.width(), image.height());
  std::memcpy(other.row(0), image.row(0), image.bytes());  // the edge stays as it is
  for (int y = 1; y + 1 < image.height(); ++y)
    sharpen_row(image.row(y - 1), image.row(y), image.row(y + 1), image.width() * 4,
                static_cast<float>(factor), other.row(y));
  std::swap(image, other);
}

void turn_hue(Image& image, double turns) {
  const auto shift = static_cast<uint8_t>(static_cast<int>(turns * 255));
  each_pixel(image, [&](uint8_t* pixel) {
    Hsv colour = to_hsv(pixel);
    colour.hue = static_cast<uint8_t>(colour.hue + shift);
    to_rgb(colour, pixel);
  });
}

void posterize(Image& image, int bits) {
  map_levels(image,
             [mask = 0xff << (8 - std::clamp(bits, 0, 8))](int i) { return static_cast<uint8_t>(i & mask); });
}

void solarize(Image& image, double threshold) {
  map_levels(image, [threshold](int i) { return static_cast<uint8_t>(i < threshold ? i : 255 - i); });
}

void solarize_add(Image& image, int add) {
  map_levels(image, [add](int i) { return static_cast<uint8_t>(i < 128 ? std::min(255, i + add) : i); });
}

void auto_contrast(Image& image) { map_by_histogram(image, stretched); }

void equalize(Image& image) { map_by_histogram(image, flattened); }

void invert(Image& image) {
  uint8_t* level = image.row(0);
  for (size_t i = 0, bytes = image.bytes(); i < bytes; ++i) level[i] = static_cast<uint8_t>(~level[i]);
}

void take_colour_away(Image& image) {
  each_pixel(image, [](uint8_t* pixel) { std::memset(pixel, luma(pixel), 3); });
}

void add_colour(Image& image, const std::array<double, 3>& levels) {
  Tables tables;
  for (size_t c = 0; c < 3; ++c)
    tables[c] = table_of([level = levels[c]](int i) { return clipped(std::nearbyint(i + level)); });
  look_up(image, tables[0], tables[1], tables[2]);
}

void blend_with(Image& image, const Image& other, double share) {
  const auto part = static_cast<float>(share);
  uint8_t* level = image.row(0);
  const uint8_t* to = other.row(0);
  for (size_t i = 0, bytes = image.bytes(); i < bytes; ++i) level[i] = blend(level[i], to[i], part);
}

}  // namespace lm
