// Convolutions by our own loops (direct.h): how the work is shared out.

#include <ATen/Parallel.h>

#include <algorithm>

#include "core/kernels/cpu/convolutions/direct.h"
#include "core/kernels/cpu/convolutions/padded.h"
#include "core/kernels/cpu/cpu.h"
#include "core/kernels/cpu/pieces.h"

namespace lm::cpu {
namespace {

using at::Tensor;

static_assert(kMostTerms == kMostAdded);  // direct.h includes nothing of ATen

// Numbers of x that all filters are applied to in turn: about as many as there are weights, for the one is
// read anew for every part of the other.
constexpr int64_t kLeastInput = int64_t{1} << 13, kMostInput = int64_t{1} << 17;
// Numbers of x, of what is added and of what is written, which stay in a cache meanwhile: of the last two
// every pixel lies far from the next, and is come back to for every part of the filters.
constexpr int64_t kMostTouched = int64_t{1} << 16;
constexpr int64_t kWork = int64_t{1} << 17;       // products that are worth another thread
constexpr int64_t kSamePlaces = 512;              // numbers apart, pixels share few places of a cache
constexpr int64_t kTransforms = 16, kCopies = 4;  // blocks of filters that are worth reading x once more
constexpr int64_t kFewTransforms = 8;             // where each thread reads it once
constexpr int64_t kLine = 24;                     // pixels in a row where rows do not matter

// Work on all lines of the result: its rows or, where nothing depends on rows, runs of pixels.
class Fused {
 public:
  Fused(const FusedConvolution& c, const DirectSet& set)
      : c_(c),
        set_(set),
        by_winograd_(c.weight.dim() == 5),
        groups_(c.weight.size(0)),
        blocks_(c.weight.size(1)),
        kernel_height_(by_winograd_ ? 3 : c.weight.size(2)),
        kernel_width_(by_winograd_ ? 3 : c.weight.size(3)),
        channels_(c.weight.size(-2)),
        narrow_(groups_ * channels_ != c.x.size(1)) {
    const auto [ph, pw] = c.sliding.padding;
    const bool below = (c.out.size(2) - 1) * c.sliding.stride[0] + kernel_height_ > c.x.size(2);
    copies_ = by_winograd_ || c.scale.defined() || c.relu_before || ph > 0 || pw > 0 || below;
    flat_ =
        kernel_height_ * kernel_width_ == 1 && ph + pw == 0 && c.sliding.stride[0] * c.sliding.stride[1] == 1;
    if (flat_ && apart(c.x.stride(3)) != c.x.stride(3)) copies_ = true;
    const Tensor &x = c.x, &out = c.out;
    if (flat_) {
      pixels_ = x.size(0) * x.size(2) * x.size(3);
      height_ = out_height_ = up(pixels_, kLine);
      width_ = out_width_ = kLine;
    } else {
      height_ = x.size(2);
      width_ = x.size(3);
      out_height_ = out.size(2);
      out_width_ = out.size(3);
      if (by_winograd_) tall_ = 2;
      pixels_ = x.size(0) * out_height_ * out_width_;
    }
    lines_of_image_ = up(out_height_, tall_);
    lines_ = flat_ ? lines_of_image_ : x.size(0) * lines_of_image_;
  }

  void run() const {
    const int64_t units = groups_ * blocks_;
    const int64_t taps = by_winograd_ ? kPlaces / 4 : kernel_height_ * kernel_width_;
    const int64_t work = pixels_ * units * kLanes * channels_ * taps;
    const int64_t threads = std::clamp<int64_t>(work / kWork, 1, at::get_num_threads());
    const int64_t images = flat_ ? 1 : c_.x.size(0), chunks = up(lines_of_image_, lines_at_a_time(threads));
    const Turns turns(threads, images * chunks, units, by_winograd_ ? kTransforms : kCopies);
    turns.take([&](int64_t piece, int64_t part, int64_t parts) {
      const int64_t image = piece / chunks, chunk = piece % chunks;
      some_lines(image, chunk * lines_of_image_ / chunks, (chunk + 1) * lines_of_image_ / chunks,
                 part * units / parts, (part + 1) * units / parts, threads);
    });
  }

 private:
  // As many as fit; fewer where else some threads had none, unless there are more weights than that.
  int64_t lines_at_a_time(int64_t threads) const {
    const int64_t row = (width_ + 2 * c_.sliding.padding[1]) * c_.x.size(1);
    const int64_t most = std::clamp(c_.weight.numel(), kLeastInput, kMostInput);
    const int64_t rows = (most / row - kernel_height_) / c_.sliding.stride[0] + 1;
    const int64_t lines = std::max<int64_t>(1, rows / tall_);
    const bool few_weights = c_.weight.numel() <= c_.x.numel();
    if (by_winograd_ && !few_weights && blocks_ >= kFewTransforms * threads) return lines;
    const auto outs = static_cast<int64_t>(1 + c_.u.size()) * out_width_ * c_.out.size(1) * tall_;
    const int64_t fit = std::clamp<int64_t>(kMostTouched / (row * tall_ + outs), 1, lines);
    return few_weights && threads > 1 ? std::clamp<int64_t>(lines_ / (2 * threads), 1, fit) : fit;
  }

  // Lines and blocks of filters of one image.
  void some_lines(int64_t image, int64_t line, int64_t end, int64_t block, int64_t last_block,
                  int64_t threads) const {
    const int64_t y = line * tall_;
    DirectRows rows{.channels = channels_,
                    .kernel_height = kernel_height_,
                    .kernel_width = kernel_width_,
                    .stride_height = c_.sliding.stride[0],
                    .stride_width = c_.sliding.stride[1],
                    .rows = std::min((end - line) * tall_, out_height_ - y),
                    .width = out_width_,
                    .added = c_.u.size(),
                    .relu = c_.relu};
    rows.x = copies_ ? copied(image, y, rows.rows)
                     : moved(image_of<const float>(c_.x, image), y * rows.stride_height, 0);
    if (flat_) fetch_ahead(rows, last_block - block, y + rows.rows * threads);
    rows.out = moved(image_of<float>(c_.out, image), y, 0);
    for (size_t i = 0; i < c_.u.size(); ++i) rows.u[i] = moved(image_of<const float>(*c_.u[i], image), y, 0);
    for (int64_t b = block; b < last_block;) {
      const int64_t group = b / blocks_, stop = std::min(last_block, (group + 1) * blocks_);
      filters(rows, group, b - group * blocks_, stop - group * blocks_);
      b = stop;
    }
  }

  // As many lines more, which this thread may take next, spread over all tiles of some blocks of filters.
  // Behind the last there is nothing to fetch, which does no harm.
  void fetch_ahead(DirectRows& rows, int64_t blocks, int64_t y) const {
    constexpr int64_t kTile = 8;  // pixels of one, about
    const Pixels<const float> x = image_of<const float>(c_.x, 0);
    rows.next = x.first + y * x.row;
    rows.ahead = up(rows.rows * x.row, rows.rows * (kLine / kTile) * blocks * kLanes) * kLanes;
  }

  // Where pixels are one line after the other, the image is all there is.
  template <typename Number>
  Pixels<Number> image_of(const Tensor& t, int64_t image) const {
    Pixels<Number> all = pixels_of<Number>(t);
    if (flat_) return {all.first, all.step, kLine * all.step};
    all.first += image * t.stride(0);
    return all;
  }

  // The blocks from, to of the filters of a group.
  void filters(DirectRows rows, int64_t group, int64_t block, int64_t end) const {
    const int64_t in_group = c_.out.size(1) / groups_, first = group * in_group + block * kLanes;
    const int64_t taps = (by_winograd_ ? kPlaces : kernel_height_ * kernel_width_) * channels_ * kLanes;
    rows.weight = c_.weight.data_ptr<float>() + (group * blocks_ + block) * taps;
    rows.bias = c_.bias.data_ptr<float>() + first;
    rows.filters = std::min(end * kLanes, in_group) - block * kLanes;
    rows.x.first += narrow_ ? block * kLanes : group * channels_;
    rows.out.first += first;
    for (size_t i = 0; i < c_.u.size(); ++i) {
      rows.u[i].first += first;
      rows.c[i] = c_.c.data_ptr<float>() + static_cast<int64_t>(i) * c_.c.size(1) + first;
    }
    if (by_winograd_) return set_.winograd(rows, scratch_of(1, winograd_scratch(channels_)));
    if (narrow_) return set_.narrow(rows);
    const int64_t left = flat_ ? pixels_ - (rows.out.first - c_.out.data_ptr<float>()) / rows.out.step : 0;
    if (!flat_ || left >= rows.rows * kLine) return set_.convolve(rows);
    --rows.rows;  // the last line is short
    if (rows.rows > 0) set_.convolve(rows);
    rows.x.first += rows.rows * rows.x.row;
    rows.out.first += rows.rows * rows.out.row;
    for (size_t i = 0; i < c_.u.size(); ++i) rows.u[i].first += rows.rows * rows.u[i].row;
    rows.width = left - rows.rows * kLine;
    rows.rows = 1;
    set_.convolve(rows);
  }

  // The rows of x that some rows of the result look at, with zeros around them, and what is done to x before.
  Pixels<const float> copied(int64_t image, int64_t y, int64_t rows) const {
    const auto [ph, pw] = c_.sliding.padding;
    const int64_t odd = by_winograd_ ? out_width_ % 2 : 0;
    const int64_t step = apart(c_.x.size(1)), row = (width_ + 2 * pw + odd) * step;
    const int64_t begin = y * c_.sliding.stride[0] - ph;
    const int64_t end = begin + (up(rows, tall_) * tall_ - 1) * c_.sliding.stride[0] + kernel_height_;
    float* const scratch = scratch_of(0, (end - begin) * row);
    PaddedRows padded{.image = image_of<const float>(c_.x, image),
                      .height = height_,
                      .width = width_,
                      .channels = c_.x.size(1),
                      .step = step,
                      .pixels = flat_ ? pixels_ : height_ * width_,
                      .begin = begin,
                      .end = end,
                      .before = pw,
                      .behind = pw + odd,
                      .relu = c_.relu_before};
    if (c_.scale.defined()) {
      padded.scale = c_.scale.data_ptr<float>();
      padded.shift = c_.shift.data_ptr<float>();
    }
    copy_padded(padded, set_, scratch);
    return {scratch, step, row};
  }

  // Numbers from pixel to pixel of a copy.
  int64_t apart(int64_t channels) const {
    return !by_winograd_ && channels % kSamePlaces == 0 ? channels + kLanes : channels;
  }

  const FusedConvolution& c_;
  const DirectSet& set_;
  bool by_winograd_;
  int64_t groups_, blocks_, kernel_height_, kernel_width_, channels_;
  bool narrow_;  // groups that the loops take as they are
  bool copies_ = false, flat_ = false;
  int64_t height_ = 0, width_ = 0, out_height_ = 0, out_width_ = 0, pixels_ = 0;
  int64_t tall_ = 1, lines_of_image_ = 0, lines_ = 0;  // rows of the result in a line
};

}  // namespace

void convolve_fused(const FusedConvolution& convolution) { convolve_fused(convolution, direct_set()); }

void convolve_fused(const FusedConvolution& convolution, const DirectSet& set) {
  Fused(convolution, set).run();
}

}  // namespace lm::cpu
