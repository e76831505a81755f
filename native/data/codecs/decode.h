// JPEG, PNG, BMP and Netpbm files in memory -> pixels, upright, otherwise as Pillow's convert("RGB") gives
// them. One decoder a thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "data/pictures/image.h"

namespace lm {

// How files become pixels, where there is a choice.
struct Decoding {
  int64_t max_pixels = 100'000'000;
  bool exif = true;         // turned upright by the tag Orientation; else as stored
  bool clips_gray = false;  // of 16 bits, as Pillow: what is above 255 becomes 255; else the upper 8 bits
};

struct ImageInfo {
  int width, height;
};

class Decoder {
 public:
  Decoder();
  ~Decoder();

  // Reads the header; told apart by content. The bytes must stay until the image is decoded. `rows`, of
  // packed JPEG files: where the entropy-coded data of every row of MCUs begins, from the start of the file,
  // with the end of the last one behind them; empty for others. Throws ImageError: empty, unknown format,
  // broken header, more than `max_pixels`. Returns the size of the image that is shown.
  ImageInfo open(std::span<const uint8_t> bytes, const Decoding& how, std::span<const uint32_t> rows = {});

  // Decodes at least `region` (whole pixels of the shown image) at 1 / denominator of its size, for the
  // largest denominator of 1, 2, 4, 8 up to `max_denominator` that the format can do; returns where the
  // region lies in `out`. Pixels inside the region do not depend on how much more was decoded. Throws
  // ImageError when the file is cut off or broken within what had to be read.
  Box decode(const Box& region, int max_denominator, Image& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lm
