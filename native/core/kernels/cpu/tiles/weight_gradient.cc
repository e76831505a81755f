// The gradient of weights, of bfloat16: how the work is shared out.

#include <ATen/Parallel.h>

#include <algorithm>

#include "core/kernels/cpu/tiles/image.h"

namespace lm::cpu {
namespace {

using at::Tensor;

// Rows of the gradient of all images are cut into pieces, which do not depend on the number of threads; their
// sums are added in their order. A unit is some filters of a piece. Where windows move by more than one, what
// they see is cut into as many pictures (TileImages::every), in each of which they move by one.
class WeightSums {
 public:
  WeightSums(const TileImages& x, const Tensor& grad, const Sliding& sliding, const Tensor& into,
             const TileSet& set)
      : groups_(into.sizes(), sliding.groups),
        grad_(grad),
        into_(into),
        set_(set),
        stride_(sliding.stride),
        kernel_{into.size(2), into.size(3)},
        height_(grad.size(2)),
        width_(grad.size(3)),
        more_((kernel_[0] - 1) / stride_[0]),
        windows_(kernel_[0] * kernel_[1] * groups_.channels / kTile) {
    if (sees_pixels_alone(x.x(), grad, kernel_, sliding)) {
      height_ *= grad.size(0) * width_;
      width_ = 1;
      grad_.flatten();
      pictures_.push_back({x, {0, 0}});
      pictures_[0].images.flatten();
    } else {
      for (int64_t i = 0; i < std::min(stride_[0], kernel_[0]); ++i)
        for (int64_t j = 0; j < std::min(stride_[1], kernel_[1]); ++j) {
          std::array<int64_t, 2> padding = sliding.padding;
          const TileImages images = x.every(stride_, {i, j}, padding);
          pictures_.push_back({images, padding});
        }
    }
    pitch_ = up((width_ - 1) * stride_[1] + kernel_[1], stride_[1]);
    lines_ = grad_.count() * height_;
    const int64_t numbers = groups_.count * groups_.filters * windows_ * kTile;
    const int64_t most = std::min({kMostPieces, lines_, std::max<int64_t>(1, kMostSums / numbers)});
    pieces_ = std::clamp<int64_t>(lines_ * width_ / kPositionsOfPiece, 1, most);
    blocks_of_group_ = up(groups_.filters, kFilters);
    blocks_ = groups_.count * blocks_of_group_;
    parts_ = parts_of(pieces_, blocks_, 1);
    sums_ = at::zeros({pieces_, numbers}, at::kFloat);
    const int64_t row = pitch_ * groups_.channels * groups_.count;
    rows_ = std::max(kCopied / row, up(kLeastPositions, pitch_));
  }

  void run() const {
    take_turns(at::get_num_threads(), pieces_ * parts_, [&](int64_t i) { unit(i / parts_, i % parts_); });
    at::parallel_for(0, groups_.count * groups_.filters / kTile, 1, [&](int64_t from, int64_t end) {
      for (int64_t block = from; block < end; ++block) add(block);
    });
  }

 private:
  static constexpr int64_t kPositionsOfPiece = 4096, kMostPieces = 32;  // at least, at most
  static constexpr int64_t kMostSums = 1 << 22;                         // numbers of all pieces
  static constexpr int64_t kFilters = 64;                               // at a time
  static constexpr int64_t kCopied = 1 << 17;                           // numbers of x at a time, about
  static constexpr int64_t kLeastPositions = 256;  // at a time: sums are read and written that often

  struct Picture {
    TileImages images;
    std::array<int64_t, 2> padding;
  };
  // Rows of one image, or some images whose rows are followed by `more_` others.
  struct Chunk {
    int64_t image = 0, images = 1, y = 0, rows = 0;
  };

  void unit(int64_t piece, int64_t part) const {
    const int64_t end = (piece + 1) * lines_ / pieces_;
    Chunk chunk;
    for (int64_t line = piece * lines_ / pieces_; line < end; line += chunk.images * chunk.rows) {
      chunk = {.image = line / height_, .y = line % height_};
      chunk.rows = std::min({rows_, height_ - chunk.y, end - line});
      if (chunk.rows == height_)
        chunk.images = std::clamp<int64_t>(rows_ / (height_ + more_), 1, (end - line) / height_);
      some_rows(chunk, piece, part * blocks_ / parts_, (part + 1) * blocks_ / parts_);
    }
  }

  // Blocks of filters, some of each group.
  void some_rows(const Chunk& chunk, int64_t piece, int64_t block, int64_t last) const {
    const int64_t rows = chunk.rows + more_;
    const int64_t positions = ((chunk.images - 1) * rows + chunk.rows - 1) * pitch_ + width_;
    const int64_t length = up(positions, kDepth) * kDepth;
    // An odd number of cache lines, so that sixteen channels lie in as many places of a cache.
    const int64_t beyond = length + more_ * pitch_ + (kernel_[1] - 1) / stride_[1];
    const int64_t row = (up(beyond, kDepth) | 1) * kDepth;
    const int64_t first = block / blocks_of_group_, groups = (last - 1) / blocks_of_group_ + 1 - first;
    const int64_t picture = groups * groups_.channels * row;
    const Bfloat16* const x = transposed(chunk, first, groups, row);
    std::vector<const Bfloat16*> windows(static_cast<size_t>(windows_));
    for (int64_t b = block; b < last; ++b) {
      const int64_t group = b / blocks_of_group_, filter = b % blocks_of_group_ * kFilters;
      see(x + (group - first) * groups_.channels * row, picture, row, windows);
      const int64_t filters = std::min(kFilters, groups_.filters - filter);
      const int64_t at = group * groups_.filters + filter;
      set_.weights({.x = windows.data(),
                    .windows = windows_,
                    .row = row,
                    .grad = paired(chunk, at, filters, positions, length),
                    .steps = length / kDepth,
                    .filters = filters,
                    .sums = sums_.data_ptr<float>() + piece * sums_.stride(0) + at * windows_ * kTile});
    }
  }

  // What the windows of some groups see: [pictures, groups, channels, row].
  const Bfloat16* transposed(const Chunk& chunk, int64_t group, int64_t groups, int64_t row) const {
    const int64_t channels = groups_.channels, rows = chunk.rows + more_;
    const int64_t positions = chunk.images * rows * pitch_, all = groups * channels;
    Bfloat16* const copy = tile_scratch(0, positions * all);
    Bfloat16* const first = tile_scratch(1, static_cast<int64_t>(pictures_.size()) * all * row);
    Bfloat16* to = first;
    for (const Picture& picture : pictures_) {
      picture.images.copy({.image = chunk.image,
                           .images = chunk.images,
                           .begin = chunk.y - picture.padding[0],
                           .rows = rows,
                           .before = picture.padding[1],
                           .row = pitch_,
                           .channel = group * channels,
                           .channels = all,
                           .block = channels,
                           .step = channels},
                          set_, copy);
      for (int64_t g = 0; g < groups; ++g, to += channels * row)
        set_.transpose({.from = copy + g * positions * channels,
                        .step = channels,
                        .positions = std::min(positions, row),
                        .length = row,
                        .channels = channels,
                        .to = to});
    }
    return first;
  }

  // Where the windows of a group begin, sixteen channels at a time.
  void see(const Bfloat16* x, int64_t picture, int64_t row, std::vector<const Bfloat16*>& windows) const {
    size_t t = 0;
    for (int64_t i = 0; i < kernel_[0]; ++i)
      for (int64_t j = 0; j < kernel_[1]; ++j)
        for (int64_t c = 0; c < groups_.channels; c += kTile) {
          const int64_t across = std::min(stride_[1], kernel_[1]);
          const int64_t of = i % stride_[0] * across + j % stride_[1];
          windows[t++] = x + of * picture + c * row + i / stride_[0] * pitch_ + j / stride_[1];
        }
  }

  const Bfloat16* paired(const Chunk& chunk, int64_t filter, int64_t filters, int64_t positions,
                         int64_t length) const {
    const int64_t rows = chunk.images > 1 ? chunk.rows + more_ : chunk.rows;
    Bfloat16* const copy = tile_scratch(0, chunk.images * rows * pitch_ * filters);
    grad_.copy({.image = chunk.image,
                .images = chunk.images,
                .begin = chunk.y,
                .rows = rows,
                .row = pitch_,
                .channel = filter,
                .channels = filters,
                .block = filters,
                .step = filters},
               set_, copy);
    Bfloat16* const to = tile_scratch(2, filters * length);
    set_.pair({.from = copy,
               .step = filters,
               .positions = positions,
               .length = length,
               .channels = filters,
               .to = to});
    return to;
  }

  // All pieces of sixteen filters, [windows, 16, 16].
  void add(int64_t block) const {
    const int64_t square = kTile * kTile, of_one = into_.size(0) / (groups_.count * groups_.joined);
    const int64_t channels_of_one = into_.size(1), blocks = groups_.channels / kTile;
    std::vector<float> sum(static_cast<size_t>(square));
    for (int64_t t = 0; t < windows_; ++t) {
      std::fill(sum.begin(), sum.end(), 0.0F);
      for (int64_t piece = 0; piece < pieces_; ++piece) {
        const float* const from =
            sums_.data_ptr<float>() + piece * sums_.stride(0) + (block * windows_ + t) * square;
        for (int64_t i = 0; i < square; ++i) sum[static_cast<size_t>(i)] += from[i];
      }
      const int64_t tap = t / blocks, i = tap / kernel_[1], j = tap % kernel_[1];
      for (int64_t n = 0; n < kTile; ++n) {
        const int64_t filter = block * kTile + n, part = filter % groups_.filters / of_one;
        float* const to =
            into_.data_ptr<float>() + filter * into_.stride(0) + i * into_.stride(2) + j * into_.stride(3);
        for (int64_t m = 0; m < kTile; ++m) {
          const int64_t c = t % blocks * kTile + m - part * channels_of_one;
          if (c >= 0 && c < channels_of_one)
            to[c * into_.stride(1)] += sum[static_cast<size_t>(m * kTile + n)];
        }
      }
    }
  }

  TileGroups groups_;
  TileImages grad_;
  const Tensor& into_;
  const TileSet& set_;
  std::array<int64_t, 2> stride_, kernel_;
  int64_t height_, width_;  // of the gradient of the result
  int64_t more_;            // rows that windows see below their first, in a picture
  int64_t windows_;         // of sixteen channels of one group
  std::vector<Picture> pictures_;
  int64_t pitch_ = 1, lines_ = 1, rows_ = 1;
  int64_t pieces_ = 1, blocks_of_group_ = 1, blocks_ = 1, parts_ = 1;
  Tensor sums_;
};

}  // namespace

void tile_weight_gradient(const TileImages& x, const Tensor& grad, const Sliding& sliding,
                          const Tensor& weight, const TileSet& set) {
  WeightSums(x, grad, sliding, weight, set).run();
}

}  // namespace lm::cpu
