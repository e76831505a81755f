// The gradient of the weights of narrow groups: how the work is shared out.

#include <ATen/Parallel.h>

#include "core/kernels/cpu/convolutions/read_input.h"
#include "core/kernels/cpu/cpu.h"
#include "core/kernels/cpu/pieces.h"

namespace lm::cpu {
namespace {

using at::Tensor;

// Rows of all images are cut into pieces, which do not depend on the number of threads; their sums are added
// in their order. A unit is some filters of a piece.
class NarrowWeights {
 public:
  NarrowWeights(const ReadInput& x, const Tensor& grad, const Sliding& sliding, const Tensor& into,
                const DirectSet& set)
      : input_(x), x_(x.x), grad_(grad), sliding_(sliding), into_(into), set_(set) {
    rows_ = grad.size(0) * grad.size(2);
    pieces_ = std::clamp<int64_t>(rows_ * grad.size(3) / kPixelsOfPiece, 1, std::min(kMostPieces, rows_));
    blocks_ = into.size(0) / kLanes;
    parts_ = parts_of(pieces_, blocks_, 1);
    sums_ = at::zeros({pieces_, blocks_, into.size(2), into.size(3), into.size(1), kLanes}, at::kFloat);
  }

  void run() const {
    at::parallel_for(0, pieces_ * parts_, 1, [&](int64_t from, int64_t end) {
      for (int64_t i = from; i < end; ++i) {
        const int64_t part = i % parts_;
        unit(i / parts_, part * blocks_ / parts_ * kLanes, (part + 1) * blocks_ / parts_ * kLanes);
      }
    });
    // [blocks, kh, kw, channels, 16] as [out, channels, kh, kw].
    into_.add_(sums_.sum(0).permute({0, 4, 3, 1, 2}).flatten(0, 1));
  }

 private:
  static constexpr int64_t kPixelsOfPiece = 1024, kMostPieces = 64;  // at least, at most
  static constexpr int64_t kCopied = 1 << 15;                        // numbers of x at a time

  // Filters first to last of a piece.
  void unit(int64_t piece, int64_t first, int64_t last) const {
    const int64_t row = (x_.size(3) + 2 * sliding_.padding[1]) * (last - first);
    const int64_t most = std::max<int64_t>(1, (kCopied / row - into_.size(2)) / sliding_.stride[0] + 1);
    const int64_t end = (piece + 1) * rows_ / pieces_, height = grad_.size(2);
    for (int64_t at = piece * rows_ / pieces_, rows; at < end; at += rows) {
      rows = std::min({most, end - at, height - at % height});
      some_rows(piece, first, last, at / height, at % height, rows);
    }
  }

  // Rows of one image from row y of the result on.
  void some_rows(int64_t piece, int64_t first, int64_t last, int64_t image, int64_t y, int64_t rows) const {
    const auto [ph, pw] = sliding_.padding;
    const int64_t begin = y * sliding_.stride[0] - ph;
    PaddedRows padded{.image = moved(pixels_of<const float>(x_), 0, image * x_.stride(0) + first),
                      .height = x_.size(2),
                      .width = x_.size(3),
                      .channels = last - first,
                      .step = last - first,
                      .pixels = x_.size(2) * x_.size(3),
                      .begin = begin,
                      .end = begin + (rows - 1) * sliding_.stride[0] + into_.size(2),
                      .before = pw,
                      .behind = pw};
    read_through(input_, first, padded);
    const int64_t row = (padded.before + padded.width + padded.behind) * padded.channels;
    float* const copy = scratch_of(0, (padded.end - padded.begin) * row);
    copy_padded(padded, set_, copy);
    set_.narrow_gradient(
        {.x = {copy, padded.channels, row},
         .grad = moved(pixels_of<const float>(grad_), y, image * grad_.stride(0) + first),
         .channels = into_.size(1),
         .filters = last - first,
         .rows = rows,
         .width = grad_.size(3),
         .kernel_height = into_.size(2),
         .stride_height = sliding_.stride[0],
         .stride_width = sliding_.stride[1],
         .sums = sums_.data_ptr<float>() + (piece * blocks_ + first / kLanes) * sums_.stride(1)});
  }

  const ReadInput& input_;
  const Tensor &x_, &grad_;
  const Sliding& sliding_;
  const Tensor& into_;
  const DirectSet& set_;
  int64_t rows_ = 0, pieces_ = 1, blocks_ = 1, parts_ = 1;
  Tensor sums_;
};

}  // namespace

void narrow_weight_gradient(const ReadInput& x, const Tensor& grad, const Sliding& sliding,
                            const Tensor& weight, const DirectSet& set) {
  NarrowWeights(x, grad, sliding, weight, set).run();
}

}  // namespace lm::cpu
