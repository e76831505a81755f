// Sizes and parts of images in whole pixels.
#pragma once

#include "data/transforms/ops.h"

namespace lm {

struct Extent {
  int height, width;
};

// A part of an image that may reach beyond it.
struct Window {
  int top, left;
  Extent size;
};

int side_of(const Value& value);    // at least 1
int pixels_of(const Value& value);  // of either sign
bool is_pair(const Value& size);
Extent extent_of(const Value& size);  // a side, or [height, width]

Box whole(const PixelSource& source);
// Of this size, in the middle of the image.
Window middle(const Extent& image, const Extent& size);
// What a window shows of an image of this size; empty where they do not meet.
Box shown(const Window& window, const Extent& image);

// `part` of the whole image, found in `from` at `found`, into `to`, which becomes the window: black around
// it.
void show(const Image& from, const Box& found, const Box& part, const Window& window, Image& to);

}  // namespace lm
