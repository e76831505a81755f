// Which way up an image is to be shown, as the EXIF tag Orientation says it, and how it is turned.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "data/pictures/image.h"

namespace lm {

// The pixel that is shown at (x, y) is stored at (y, x) where it is transposed, else at (x, y); each counted
// from the other end where it is mirrored.
struct Orientation {
  bool transposed = false, mirrored_x = false, mirrored_y = false;

  bool is_upright() const { return !transposed && !mirrored_x && !mirrored_y; }
};

// Of the tag's values 1 to 8; upright for others.
Orientation orientation_of_tag(int tag);

// The tag's value in a JPEG file's first EXIF segment, or in a PNG file's chunk eXIf; 1 where there is none
// or it is broken.
int jpeg_orientation_tag(std::span<const uint8_t> file);
int png_orientation_tag(std::span<const uint8_t> file);

// The content of an EXIF segment of a JPEG file that says nothing else.
std::array<uint8_t, 32> exif_of_tag(int tag);

// A part of the shown image -> of the stored one of this size, and back.
Box stored_part(const Box& shown, const Orientation& orientation, int stored_width, int stored_height);
Box shown_part(const Box& stored, const Orientation& orientation, int stored_width, int stored_height);

// The stored image as it is shown, into another image.
void turn(const Image& stored, const Orientation& orientation, Image& shown);

}  // namespace lm
