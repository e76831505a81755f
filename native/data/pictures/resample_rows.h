// The two passes of a resize over rows of 4-byte pixels: vector code where the machine has it, the same bits
// everywhere.
#pragma once

#include <cstddef>
#include <cstdint>

#include "data/pictures/resample.h"

namespace lm {

// A power of two: columns are weighted so many at a time, so Taps::count is a multiple of it. The pixels
// behind the last weight of a row may be read (a weight of 0 makes them nothing).
inline constexpr int kColumnsAtOnce = 4;
inline constexpr int kWeightBits = 22, kLowBits = 8;

// Rows of pixels, perhaps with gaps. Row 0 need not be there when no tap reads it.
struct PixelRows {
  const uint8_t* first;
  ptrdiff_t stride;
  const uint8_t* operator[](ptrdiff_t y) const { return first + stride * y; }
};

// The first `height` rows -> rows of taps.starts.size() pixels, one after the other. Up to 12 bytes behind a
// row are read.
void resample_across(PixelRows in, int height, const Taps& taps, uint8_t* out);

// -> taps.starts.size() rows of `width` pixels, one after the other. Up to 31 bytes behind a row are read and
// written.
void resample_down(PixelRows in, int width, const Taps& taps, uint8_t* out);

}  // namespace lm
