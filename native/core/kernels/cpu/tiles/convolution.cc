// Convolutions of bfloat16 (tiles.h): how the work is shared out.

#include <algorithm>

#include "core/kernels/cpu/tiles/image.h"

namespace lm::cpu {
namespace {

using at::Tensor;

constexpr int64_t kCopied = int64_t{1} << 16;  // numbers of x at a time, about
constexpr int64_t kLeastWindows = 128;         // at a time: weights are read that often
constexpr int64_t kUnit = 2 * kTile;           // filters at a time
constexpr int64_t kWork = int64_t{1} << 20;    // products that are worth another thread
constexpr int64_t kCopies = 4;                 // units of filters that are worth reading x once more

class Tiled {
 public:
  Tiled(const TileConvolution& c, const TileSet& set) : c_(c), images_(c.images), out_(c.out), set_(set) {
    flat_ = !images_.is_spread() && sees_pixels_alone(images_.x(), out_, c.kernel, c.sliding);
    height_ = out_.size(2);
    width_ = out_.size(3);
    if (flat_) {
      images_.flatten();
      height_ *= out_.size(0) * width_;
      width_ = 1;
    }
    padded_ = (width_ - 1) * c.sliding.stride[1] + c.kernel[1];
    // A row of windows that move by one is followed by those that see the end of one row and the next one's
    // start.
    pitch_ = c.sliding.stride[0] * c.sliding.stride[1] == 1 ? padded_ : 0;
    step_ = c.groups.channels;
    constexpr int64_t kSamePlaces = 512;  // numbers apart, pixels share few places of a cache
    if (c.groups.count == 1 && c.kernel[1] == 1 && step_ % kSamePlaces == 0) step_ += kDepth;
  }

  void run() const {
    const int64_t units = c_.groups.count * units_of_group();
    const int64_t work = out_.numel() * c_.groups.channels * c_.kernel[0] * c_.kernel[1];
    const int64_t threads = std::clamp<int64_t>(work / kWork, 1, at::get_num_threads());
    const int64_t chunks = up(height_, rows_at_a_time(threads));
    const Turns turns(threads, images_.count() * chunks, units, kCopies);
    turns.take([&](int64_t piece, int64_t part, int64_t parts) {
      const int64_t chunk = piece % chunks;
      some_rows(piece / chunks, chunk * height_ / chunks, (chunk + 1) * height_ / chunks,
                part * units / parts, (part + 1) * units / parts);
    });
  }

 private:
  int64_t units_of_group() const { return up(c_.groups.filters, kUnit); }

  int64_t rows_at_a_time(int64_t threads) const {
    const int64_t row = padded_ * images_.x().size(1), least = up(kLeastWindows, padded_);
    const int64_t fit = std::max(least, (kCopied / row - c_.kernel[0]) / c_.sliding.stride[0] + 1);
    const int64_t share = images_.count() * height_ / (2 * threads);
    return std::clamp<int64_t>(threads > 1 ? std::min(fit, share) : fit, 1, height_);
  }

  // Units of filters of all groups, one after the other.
  void some_rows(int64_t image, int64_t y, int64_t end, int64_t unit, int64_t last) const {
    const int64_t rows = (end - y - 1) * c_.sliding.stride[0] + c_.kernel[0], each = units_of_group();
    const int64_t group = unit / each, groups = (last - 1) / each + 1 - group;
    const int64_t plane = rows * padded_ * step_;
    // Windows behind the last are computed and left out; behind its last number a window reads others, of no
    // weight.
    const int64_t beyond = 4 * kTile * c_.sliding.stride[1] * step_ + kDepth;
    Bfloat16* const copy = tile_scratch(0, groups * plane + beyond);
    images_.copy({.image = image,
                  .begin = y * c_.sliding.stride[0] - c_.sliding.padding[0],
                  .rows = rows,
                  .before = c_.sliding.padding[1],
                  .row = padded_,
                  .channel = group * c_.groups.channels,
                  .channels = groups * c_.groups.channels,
                  .block = c_.groups.channels,
                  .step = step_},
                 set_, copy);
    std::fill_n(copy + groups * plane, kDepth, Bfloat16{0});
    for (int64_t u = unit; u < last;) {
      const int64_t g = u / each, stop = std::min(last, (g + 1) * each);
      filters(image, y, end, copy + (g - group) * plane, g, (u - g * each) * kUnit,
              std::min((stop - g * each) * kUnit, c_.groups.filters));
      u = stop;
    }
  }

  void filters(int64_t image, int64_t y, int64_t end, const Bfloat16* x, int64_t group, int64_t first,
               int64_t last) const {
    const int64_t at = group * c_.groups.filters + first;
    const int64_t block = c_.weight.stride(1);
    TileRows rows{.x = x,
                  .step = c_.sliding.stride[1] * step_,
                  .tap_row = padded_ * step_,
                  .kernel_height = c_.kernel[0],
                  .pieces = tile_pieces(c_.kernel[1], c_.groups.channels),
                  .weight = static_cast<const Bfloat16*>(c_.weight.data_ptr()) + at / kTile * block,
                  .bias = c_.bias.defined() ? c_.bias.data_ptr<float>() + at : nullptr,
                  .filters = last - first,
                  .rows = pitch_ > 0 ? end - y : 1,
                  .width = width_,
                  .pitch = std::max(pitch_, width_),
                  .half = out_.scalar_type() == at::kBFloat16,
                  .out_step = out_.stride(3),
                  .out_row = flat_ ? out_.size(1) : out_.stride(2)};
    char* const out = static_cast<char*>(out_.data_ptr());
    for (; y < end; y += rows.rows, rows.x += c_.sliding.stride[0] * rows.tap_row) {
      rows.out = out + ((flat_ ? 0 : image * out_.stride(0)) + y * rows.out_row + at) * (rows.half ? 2 : 4);
      set_.convolve(rows);
    }
  }

  const TileConvolution& c_;
  TileImages images_;
  const Tensor& out_;
  const TileSet& set_;
  bool flat_ = false;
  int64_t height_ = 0, width_ = 0;             // of the result
  int64_t padded_ = 0, pitch_ = 0, step_ = 0;  // pixels in a row of the copy; windows; numbers of a pixel
};

}  // namespace

void convolve_tiles(const TileConvolution& convolution, const TileSet& set) { Tiled(convolution, set).run(); }

}  // namespace lm::cpu
