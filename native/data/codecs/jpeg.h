// JPEG files -> pixels: no more rows and columns than asked for and those around them that libjpeg needs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/codecs/decode.h"

namespace lm {

// As Decoder, but for the limit of pixels.
class JpegDecoder {
 public:
  ImageInfo open(std::span<const uint8_t> bytes, std::span<const uint32_t> rows);
  Box decode(const Box& region, int max_denominator, Image& out);
  // Memory that libjpeg takes for all coefficients of the image that was opened, where it needs all at once.
  int64_t coefficient_bytes() const { return coefficient_bytes_; }

 private:
  struct Part {
    std::span<const uint8_t> bytes;
    int above;  // rows of pixels that are left out above it
  };

  // The file or, where its rows are known, one made of those MCUs that cover the given rows of pixels.
  Part cut(int top, int bottom);

  std::span<const uint8_t> bytes_;
  std::span<const uint32_t> rows_;
  int width_ = 0, height_ = 0, mcu_height_ = 0;
  int64_t coefficient_bytes_ = 0;
  std::vector<uint8_t> part_;
};

}  // namespace lm
