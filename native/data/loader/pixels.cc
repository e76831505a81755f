#include "data/loader/pixels.h"

namespace lm {

Box MemoryPixels::pixels(const Box& region, int, Image& out) {
  out.resize(size_.width, size_.height);
  const int green = size_.channels == 3 ? 1 : 0, blue = size_.channels == 3 ? 2 : 0;
  uint8_t* to = out.row(0);
  const size_t count = static_cast<size_t>(size_.width) * static_cast<size_t>(size_.height);
  const uint8_t* from = pixels_;
  for (size_t i = 0; i < count; ++i, from += size_.channels, to += 4) {
    to[0] = from[0];
    to[1] = from[green];
    to[2] = from[blue];
    to[3] = 0;
  }
  return region;
}

void store(const Image& image, int channels, uint8_t* out) {
  const size_t count = static_cast<size_t>(image.width()) * static_cast<size_t>(image.height());
  const uint8_t* from = image.row(0);
  for (size_t i = 0; i < count; ++i, from += 4) {
    if (channels == 1) {
      out[i] = static_cast<uint8_t>((19595 * from[0] + 38470 * from[1] + 7471 * from[2] + 32768) >> 16);
      continue;
    }
    out[3 * i] = from[0];
    out[3 * i + 1] = from[1];
    out[3 * i + 2] = from[2];
  }
}

}  // namespace lm
