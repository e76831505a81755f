// PNG files -> pixels: from the first row to the last one that is asked for, in full width.
#pragma once

#include <cstdint>
#include <span>

#include "data/decode.h"

namespace lm {

// As Decoder, but for the limit of pixels.
class PngDecoder {
 public:
  ImageInfo open(std::span<const uint8_t> bytes);
  Box decode(const Box& region, Image& out);

 private:
  std::span<const uint8_t> bytes_;
};

}  // namespace lm
