// BMP files of Windows and OS/2 -> pixels: 1, 4 and 8 bits with a palette, run lengths too; 16, 24 and 32
// bits. Transparency is dropped.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "data/codecs/decode.h"

namespace lm {

// As Decoder, but for the limit of pixels.
class BmpDecoder {
 public:
  ImageInfo open(std::span<const uint8_t> bytes);
  Box decode(const Box& region, Image& out);

 private:
  enum class Packing { kNone, kRuns8, kRuns4 };

  void read_masks(bool fields);
  void read_palette(size_t at, size_t entry_bytes, size_t count);
  void unpack_row(const uint8_t* from, uint8_t* to) const;
  void unpack_indices(const uint8_t* from, int bits, uint8_t* to) const;
  void unpack_runs(int top, Image& out) const;

  std::span<const uint8_t> bytes_;
  int width_ = 0, height_ = 0, bits_ = 0;
  bool top_down_ = false;
  Packing packing_ = Packing::kNone;
  size_t start_ = 0, stride_ = 0;
  std::array<uint32_t, 3> masks_{};
  std::array<std::array<uint8_t, 4>, 256> palette_{};
};

}  // namespace lm
