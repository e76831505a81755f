// The gradient of 3 x 3 weights by Winograd's algorithm: how the work is shared out.

#include <ATen/Parallel.h>

#include "core/kernels/cpu/convolutions/read_input.h"
#include "core/kernels/cpu/convolutions/weights3x3.h"
#include "core/kernels/cpu/cpu.h"
#include "core/kernels/cpu/pieces.h"

namespace lm::cpu {
namespace {

using at::Tensor;

// Lines of two rows of all images are cut into pieces, which do not depend on the number of threads; their
// sums are added in their order. A unit is some filters of a piece.
class WeightGradient {
 public:
  WeightGradient(const ReadInput& x, const Tensor& grad, const Sliding& sliding, const Weights3x3& into,
                 const DirectSet& set)
      : input_(x), x_(x.x), grad_(grad), sliding_(sliding), into_(into), set_(set) {
    across_ = up(grad.size(3), 2);
    lines_of_image_ = up(grad.size(2), 2);
    lines_ = grad.size(0) * lines_of_image_;
    pieces_ = std::clamp<int64_t>(lines_ * across_ / kTilesOfPiece, 1, std::min(kMostPieces, lines_));
    tiles_ = std::max(across_, std::clamp(into.filters + into.channels, kLeastTiles, kMostTiles));
    blocks_ = into.filters / kLanes;
    parts_ = parts_of(into.groups * pieces_, blocks_, 0.25);
    const int64_t sums = kPlaces * into.filters * into.channels;
    sums_ = at::zeros({into.groups, pieces_, sums}, at::kFloat);
  }

  void run() const {
    const int64_t units = into_.groups * pieces_ * parts_;
    take_turns(at::get_num_threads(), units,
               [&](int64_t i) { unit(i / parts_ / pieces_, i / parts_ % pieces_, i % parts_); });
    const int64_t channel_blocks = into_.channels / kLanes;
    at::parallel_for(0, into_.groups * blocks_, 1, [&](int64_t from, int64_t end) {
      for (int64_t i = from; i < end; ++i)
        for (int64_t c = 0; c < channel_blocks; ++c) finish(i / blocks_, i % blocks_, c);
    });
  }

 private:
  static constexpr int64_t kTilesOfPiece = 512, kMostPieces = 64;  // at least, at most
  static constexpr int64_t kLeastTiles = 64, kMostTiles = 128;     // that are multiplied at a time

  float* sums_of(int64_t group, int64_t piece) const {
    return sums_.data_ptr<float>() + (group * pieces_ + piece) * sums_.size(2);
  }

  void unit(int64_t group, int64_t piece, int64_t part) const {
    const int64_t first = part * blocks_ / parts_ * kLanes, last = (part + 1) * blocks_ / parts_ * kLanes;
    const int64_t filters = last - first;
    WinogradTiles tiles{.channels = into_.channels,
                        .filters = filters,
                        .width = grad_.size(3),
                        .v_plane = tiles_ * into_.channels + kLanes,
                        .d_plane = tiles_ * filters + kLanes};
    WinogradProducts products{.v_plane = tiles.v_plane,
                              .d_plane = tiles.d_plane,
                              .channels = into_.channels,
                              .filters = filters,
                              .sums = sums_of(group, piece) + kPlaces * into_.channels * first};
    float* const scratch = scratch_of(1, kPlaces * (tiles.v_plane + tiles.d_plane));
    products.v = scratch;
    products.d = scratch + kPlaces * tiles.v_plane;
    const int64_t end = (piece + 1) * lines_ / pieces_;
    for (int64_t line = piece * lines_ / pieces_; line < end;) {
      const int64_t image = line / lines_of_image_, y = line % lines_of_image_;
      const int64_t most = (tiles_ - products.tiles) / across_;
      if (most == 0) {
        set_.winograd_products(products);
        products.tiles = 0;
        continue;
      }
      const int64_t lines = std::min({most, end - line, lines_of_image_ - y});
      tiles.v = scratch + products.tiles * into_.channels;
      tiles.d = scratch + kPlaces * tiles.v_plane + products.tiles * filters;
      some_lines(tiles, group, first, image, y * 2, lines);
      products.tiles += lines * across_;
      line += lines;
    }
    set_.winograd_products(products);
  }

  // Lines of one image from row y on.
  void some_lines(WinogradTiles tiles, int64_t group, int64_t filter, int64_t image, int64_t y,
                  int64_t lines) const {
    const auto [ph, pw] = sliding_.padding;
    PaddedRows rows{
        .image = moved(pixels_of<const float>(x_), 0, image * x_.stride(0) + group * into_.channels),
        .height = x_.size(2),
        .width = x_.size(3),
        .channels = into_.channels,
        .step = into_.channels,
        .pixels = x_.size(2) * x_.size(3),
        .begin = y - ph,
        .end = y - ph + 2 * lines + 2,
        .before = pw,
        .behind = pw + grad_.size(3) % 2};
    read_through(input_, group * into_.channels, rows);
    const int64_t row = (rows.before + rows.width + rows.behind) * rows.channels;
    float* const copy = scratch_of(0, (rows.end - rows.begin) * row);
    copy_padded(rows, set_, copy);
    tiles.x = {copy, rows.channels, row};
    tiles.grad =
        moved(pixels_of<const float>(grad_), y, image * grad_.stride(0) + group * into_.filters + filter);
    tiles.rows = std::min(2 * lines, grad_.size(2) - y);
    set_.winograd_tiles(tiles);
  }

  // All pieces of sixteen filters and sixteen channels.
  void finish(int64_t group, int64_t block, int64_t channel_block) const {
    // The sums of a part lie together, for they were made together.
    int64_t part = 0;
    while ((part + 1) * blocks_ / parts_ <= block) ++part;
    const int64_t first = part * blocks_ / parts_, count = (part + 1) * blocks_ / parts_ - first;
    const int64_t channel_blocks = into_.channels / kLanes, square = kLanes * kLanes;
    set_.winograd_sums({.sums = sums_of(group, 0) + kPlaces * into_.channels * first * kLanes +
                                ((block - first) * channel_blocks + channel_block) * square,
                        .place = count * channel_blocks * square,
                        .piece = sums_.size(2),
                        .pieces = pieces_,
                        .weight = into_.data + (group * into_.filters + block * kLanes) * into_.filter +
                                  channel_block * kLanes,
                        .filter = into_.filter,
                        .tap = into_.tap});
  }

  const ReadInput& input_;
  const Tensor &x_, &grad_;
  const Sliding& sliding_;
  const Weights3x3& into_;
  const DirectSet& set_;
  int64_t lines_of_image_ = 0, lines_ = 0;
  int64_t across_ = 0, tiles_ = 0;  // tiles in a line, and those that are multiplied at a time
  int64_t pieces_ = 1, blocks_ = 1, parts_ = 1;
  Tensor sums_;
};

}  // namespace

void winograd_weight_gradient(const ReadInput& x, const Tensor& grad, const Sliding& sliding,
                              const Tensor& weight, const DirectSet& set) {
  WeightGradient(x, grad, sliding, Weights3x3(weight, sliding.groups), set).run();
}

}  // namespace lm::cpu
