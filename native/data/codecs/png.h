// PNG files -> pixels: from the first row to the last one that is asked for, in full width.
#pragma once

#include <cstdint>
#include <span>

#include "data/codecs/decode.h"

namespace lm {

// As Decoder, but for the limit of pixels.
class PngDecoder {
 public:
  // `clips_gray`: as Decoding has it.
  ImageInfo open(std::span<const uint8_t> bytes, bool clips_gray);
  Box decode(const Box& region, Image& out);

 private:
  std::span<const uint8_t> bytes_;
  bool clips_gray_ = false;
};

}  // namespace lm
