// Pixels of one image on their way into and out of a transform.
#pragma once

#include <cstdint>

#include "data/samples/samples.h"
#include "data/transforms/transform.h"

namespace lm {

// The file that a decoder has opened.
class FilePixels final : public PixelSource {
 public:
  FilePixels(Decoder& decoder, const ImageInfo& info) : decoder_(decoder), info_(info) {}
  int width() const override { return info_.width; }
  int height() const override { return info_.height; }
  Box pixels(const Box& region, int max_denominator, Image& out) override {
    return decoder_.decode(region, max_denominator, out);
  }

 private:
  Decoder& decoder_;
  ImageInfo info_;
};

// Pixels [h, w, c] in memory.
class MemoryPixels final : public PixelSource {
 public:
  MemoryPixels(const uint8_t* pixels, const RawSize& size) : pixels_(pixels), size_(size) {}
  int width() const override { return size_.width; }
  int height() const override { return size_.height; }
  Box pixels(const Box& region, int max_denominator, Image& out) override;

 private:
  const uint8_t* pixels_;
  RawSize size_;
};

// To [h, w, c]; one channel is gray as in Pillow's mode L.
void store(const Image& image, int channels, uint8_t* out);

}  // namespace lm
