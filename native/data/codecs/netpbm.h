// Netpbm files -> pixels: P1 to P6, black and white, gray and colour, as text or as bytes.
#pragma once

#include <cstdint>
#include <span>

#include "data/codecs/decode.h"

namespace lm {

// As Decoder, but for the limit of pixels.
class NetpbmDecoder {
 public:
  // `as_pillow`: levels above 255 as Pillow has them: gray cut off, colour rounded; else their upper 8 of 16
  // bits.
  ImageInfo open(std::span<const uint8_t> bytes, bool as_pillow);
  Box decode(const Box& region, Image& out);

 private:
  bool is_text() const { return kind_ <= '3'; }
  bool is_bits() const { return kind_ == '1' || kind_ == '4'; }
  int channels() const { return kind_ == '3' || kind_ == '6' ? 3 : 1; }
  size_t row_bytes() const;

  // The next number of a header or a text, and where it ends; `digits` at most.
  uint32_t number(size_t& at, int digits) const;
  uint32_t level_at(int x, int y, int channel, size_t& at) const;
  uint8_t light(uint32_t level) const;

  std::span<const uint8_t> bytes_;
  bool as_pillow_ = false;
  uint8_t kind_ = '6';
  int width_ = 0, height_ = 0;
  uint32_t highest_ = 255;
  size_t start_ = 0;
};

}  // namespace lm
