// Resizing as Pillow's resize(size, filter, box): the filter's support grows with the scale (nearest has
// none).
#pragma once

#include <cstdint>
#include <vector>

#include "data/pictures/image.h"

namespace lm {

enum class Filter { kNearest, kBox, kBilinear, kHamming, kBicubic, kLanczos };

// How far a filter reaches to either side, in pixels of the coarser grid; 0: it is no weighted sum.
double reach_of(Filter filter);

// Where the filter's support is cut off: at the edge of the image, as of a box in Pillow, or of the box, as
// if it had been cut out before.
enum class Edge { kImage, kBox };

// Which pass comes first; between them are 8 bits, so it shows in the result.
enum class Order { kAcross, kDown };

// That of Pillow 13 for a resize of a whole image; older ones always go across first.
inline Order order_of(int width, int height, int out_width, int out_height) {
  return out_height < height && height - out_height > 2 * (width - out_width) ? Order::kDown : Order::kAcross;
}

struct Resampling {
  Filter filter;
  Edge edge;
  Order order;
};

// Weights of one direction: output i is the sum over t < count of weight[i * count + t] * in[starts[i] + t].
// A weight is (256 * high + low) / 2^22: Pillow's 22 bits in two halves that a multiply-add of 16-bit numbers
// takes.
struct Taps {
  std::vector<int32_t> starts;
  std::vector<int16_t> high, low;
  int count = 0;
};

// Buffers and coefficients of one thread, reused from call to call.
struct ResampleScratch {
  Image middle;
  Taps across, down;
  std::vector<double> exact;
};

// `box` of `in` -> width x height pixels in `out`, another image than `in`. Equals Pillow to the bit where
// the corners of the box are whole numbers (Pillow rounds them to float).
void resample(const Image& in, const Box& box, int width, int height, const Resampling& how,
              ResampleScratch& scratch, Image& out);

}  // namespace lm
