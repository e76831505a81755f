// What happens to one image between the file and the batch: a list of operations as data, as torchvision's
// Compose.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/rng.h"
#include "core/value.h"
#include "data/codecs/decode.h"
#include "data/pictures/image.h"
#include "data/pictures/resample.h"

namespace lm {

// Where an image's pixels come from: an opened file, or pixels in memory.
class PixelSource {
 public:
  virtual ~PixelSource() = default;
  virtual int width() const = 0;
  virtual int height() const = 0;
  // As Decoder::decode.
  virtual Box pixels(const Box& region, int max_denominator, Image& out) = 0;
};

// What operations may need to know of the network's input: per channel, of pixels scaled to [0, 1].
struct Normalisation {
  std::vector<double> mean, std;
};

// Buffers of one thread. `image` holds the pixels between operations; an operation that needs a second image
// writes into `other` and swaps.
struct TransformScratch {
  Image image, other;
  ResampleScratch resample;
  Image original;            // of AugMix, whose chains all begin with it
  std::vector<float> mixed;  // and the sum of their results
};

// One step of a transform. Parameters are drawn from `rng` in apply; the same rng gives the same pixels.
class ImageOp {
 public:
  virtual ~ImageOp() = default;
  virtual void apply(Rng& rng, TransformScratch& scratch) const = 0;
};

// The first step may choose which part of the file is decoded at all.
class DecodeOp {
 public:
  virtual ~DecodeOp() = default;
  virtual void apply(PixelSource& source, Rng& rng, TransformScratch& scratch) const = 0;
};

class Transform {
 public:
  // A list of { kind, … } as src/data/transforms.ts describes them.
  Transform(const Value& ops, const Normalisation& normalisation);

  bool empty() const { return first_ == nullptr && rest_.empty(); }
  // The result is scratch.image.
  void apply(PixelSource& source, Rng& rng, TransformScratch& scratch) const;

 private:
  std::unique_ptr<DecodeOp> first_;
  std::vector<std::unique_ptr<ImageOp>> rest_;
};

}  // namespace lm
