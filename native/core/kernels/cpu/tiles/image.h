// What convolutions of bfloat16 (tiles.h) read: rows of an image, copied as bfloat16 with zeros around them.
#pragma once

#include "core/kernels/cpu/pieces.h"
#include "core/kernels/cpu/tiles/tiles.h"
#include "core/kernels/kernels.h"

namespace lm::cpu {

// Memory of this thread, for one purpose or the other.
Bfloat16* tile_scratch(size_t purpose, int64_t numbers);

// Groups are taken together until they have sixteen channels and sixteen filters; those of others have
// weights of zero.
struct TileGroups {
  TileGroups(at::IntArrayRef weight, int64_t groups);
  int64_t joined;             // groups that are taken as one
  int64_t count;              // of those
  int64_t filters, channels;  // of one of those
};

// Images of bfloat16 or float32, and what is done to them where they are read: x scale + shift where there is
// a scale, then relu. Pixels lie `spread` apart, with zeros between them.
class TileImages {
 public:
  explicit TileImages(const at::Tensor& x, int64_t spread = 1);
  // What is convolved: x, or what the norm makes of it.
  explicit TileImages(const Convolution& convolution);

  const at::Tensor& x() const { return x_; }
  // One image of one row a pixel: where neighbours do not matter.
  void flatten();
  // Every so-many-th pixel of what has `padding` zeros around it: its rows and columns that begin at `first`.
  // How many zeros are before what is left is written there.
  TileImages every(std::array<int64_t, 2> stride, std::array<int64_t, 2> first,
                   std::array<int64_t, 2>& padding) const;
  int64_t count() const { return count_; }
  bool is_spread() const { return spread_ > 1; }

  // So many rows of some images from row `begin` of each, some of which may be above or below it, with zeros
  // before and behind each: [channels / block, images, rows, row, step], of channels from `channel`. A step
  // is at least a block.
  struct Part {
    int64_t image = 0, images = 1, begin = 0, rows = 0, before = 0, row = 0;
    int64_t channel = 0, channels = 0, block = 0, step = 0;
  };
  void copy(const Part& part, const TileSet& set, Bfloat16* to) const;

 private:
  at::Tensor x_, scale_, shift_;
  bool relu_ = false;
  int64_t spread_ = 1, count_, height_, width_, image_, row_, step_;
};

// Whether a window is one pixel, so that all pixels of all images are one row.
bool sees_pixels_alone(const at::Tensor& x, const at::Tensor& out, std::array<int64_t, 2> kernel,
                       const Sliding& sliding);

// Weights [out, in / groups, kh, kw] in the order of TileRows, [groups, out / 16, kh, pieces, 16, 16, 2]; or
// turned about, for the gradient of what is convolved.
at::Tensor pack_tiles(const at::Tensor& weight, int64_t groups, bool turned, const TileSet& set);
inline int64_t tile_pieces(int64_t kernel_width, int64_t channels) {
  return up(kernel_width * channels, kDepth);
}

// out = what is convolved * weight + bias, by packed weights.
struct TileConvolution {
  const TileImages& images;
  const TileGroups& groups;
  const at::Tensor& weight;
  const at::Tensor& bias;  // float32, or undefined
  std::array<int64_t, 2> kernel;
  const Sliding& sliding;
  const at::Tensor& out;
};
void convolve_tiles(const TileConvolution& convolution, const TileSet& set);

// weight += its gradient.
void tile_weight_gradient(const TileImages& images, const at::Tensor& grad, const Sliding& sliding,
                          const at::Tensor& weight, const TileSet& set);

}  // namespace lm::cpu
