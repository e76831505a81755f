// Packed JPEG files: the same coefficients as the file they were made from, in one baseline scan with a
// restart marker behind every row of MCUs, and an index of these rows. A decoder starts at any row and stops
// at any other.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data/codecs/jpeg_reader.h"

namespace lm {

struct PackedJpeg {
  std::vector<uint8_t> bytes;
  std::vector<uint32_t> rows;  // as Decoder::open takes them
};

// Nothing where the file must stay as it is: broken, unfinished, arithmetic, or beyond what baseline can
// hold. Of the metadata the orientation stays, nothing else. The file's size in pixels must have been checked
// (Decoder::open).
std::optional<PackedJpeg> pack_jpeg(std::span<const uint8_t> bytes);

// ImageError unless `rows` are those of the packed file whose header was read.
void check_rows(const JpegReader& reader, std::span<const uint8_t> bytes, std::span<const uint32_t> rows);

// A JPEG file of the rows [first, last) of a packed one, `height` pixels high, into `part`. `rows` were
// checked.
void cut_rows(std::span<const uint8_t> bytes, std::span<const uint32_t> rows, int first, int last, int height,
              std::vector<uint8_t>& part);

}  // namespace lm
