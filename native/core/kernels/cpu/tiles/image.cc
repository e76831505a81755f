#include "core/kernels/cpu/tiles/image.h"

#include <array>
#include <memory>
#include <numeric>

#include "core/kernels/cpu/cpu.h"

namespace lm::cpu {

using at::Tensor;

Bfloat16* tile_scratch(size_t purpose, int64_t numbers) {
  struct Memory {
    std::unique_ptr<Bfloat16[]> first;
    int64_t numbers = 0;
  };
  thread_local std::array<Memory, 3> scratch;
  Memory& m = scratch[purpose];
  if (m.numbers < numbers) {
    m.first = std::make_unique<Bfloat16[]>(static_cast<size_t>(numbers + kDepth));
    m.numbers = numbers;
  }
  const auto address = reinterpret_cast<uintptr_t>(m.first.get());
  return m.first.get() + (64 - address % 64) % 64 / sizeof(Bfloat16);  // at a line of a cache
}

TileGroups::TileGroups(at::IntArrayRef weight, int64_t groups) {
  const int64_t filters_of_one = weight[0] / groups, least = std::min(filters_of_one, weight[1]);
  joined = groups == 1 ? 1 : kTile / std::gcd(least, kTile);
  count = groups / joined;
  filters = filters_of_one * joined;
  channels = weight[1] * joined;
}

bool sees_pixels_alone(const Tensor& x, const Tensor& out, std::array<int64_t, 2> kernel, const Sliding& s) {
  const bool alone =
      kernel[0] * kernel[1] * s.stride[0] * s.stride[1] == 1 && s.padding[0] + s.padding[1] == 0;
  return alone && x.is_contiguous(at::MemoryFormat::ChannelsLast) &&
         out.is_contiguous(at::MemoryFormat::ChannelsLast);
}

TileImages::TileImages(const Tensor& x, int64_t spread)
    : x_(x),
      spread_(spread),
      count_(x.size(0)),
      height_(x.size(2)),
      width_(x.size(3)),
      image_(x.stride(0)),
      row_(x.stride(2)),
      step_(x.stride(3)) {}

TileImages::TileImages(const Convolution& c) : TileImages(c.x) {
  if (c.norm == nullptr) return;
  relu_ = c.norm->relu;
  scale_ = at::empty({c.x.size(1)}, at::kFloat);
  shift_ = at::empty({c.x.size(1)}, at::kFloat);
  norm_affine(*c.norm, *c.found, scale_, shift_);
}

void TileImages::flatten() {
  height_ *= count_ * width_;
  count_ = width_ = 1;
  row_ = step_ = x_.size(1);  // strides say nothing where an image has one pixel
}

TileImages TileImages::every(std::array<int64_t, 2> stride, std::array<int64_t, 2> first,
                             std::array<int64_t, 2>& padding) const {
  TileImages out = *this;
  for (size_t axis = 0; axis < 2; ++axis) {
    const int64_t s = stride[axis], outside = std::max<int64_t>(0, padding[axis] - first[axis]);
    const int64_t before = up(outside, s), from = before * s + first[axis] - padding[axis];
    const auto dim = static_cast<int64_t>(2 + axis);
    out.x_ = out.x_.slice(dim, std::min(from, out.x_.size(dim)), out.x_.size(dim), s);
    padding[axis] = before;
  }
  out.height_ = out.x_.size(2);
  out.width_ = out.x_.size(3);
  out.row_ = out.x_.stride(2);
  out.step_ = out.x_.stride(3);
  return out;
}

void TileImages::copy(const Part& part, const TileSet& set, Bfloat16* to) const {
  const int64_t row = part.row * part.step, plane = part.images * part.rows * row;
  const auto zeros = [&](int64_t from, int64_t pixels) {
    for (int64_t b = 0; pixels > 0 && b < part.channels / part.block; ++b)
      std::fill_n(to + b * plane + from * part.step, pixels * part.step, Bfloat16{0});
  };
  TileCopy copy{.half = x_.scalar_type() == at::kBFloat16,
                .step = step_,
                .pixels = std::min(width_, up(part.row - part.before, spread_)),
                .channels = part.channels,
                .relu = relu_,
                .to_step = spread_ * part.step,
                .block = part.block,
                .to_block = plane};
  if (scale_.defined()) {
    copy.scale = scale_.data_ptr<float>() + part.channel;
    copy.shift = shift_.data_ptr<float>() + part.channel;
  }
  const int64_t wide = copy.pixels > 0 ? (copy.pixels - 1) * spread_ + 1 : 0;
  for (int64_t i = 0; i < part.images * part.rows; ++i, to += row) {
    const int64_t image = part.image + i / part.rows, y = part.begin + i % part.rows;
    if (y < 0 || y % spread_ != 0 || y / spread_ >= height_) {
      zeros(0, part.row);
      continue;
    }
    if (spread_ > 1) {
      zeros(0, part.row);
    } else {
      zeros(0, part.before);
      zeros(part.before + wide, part.row - part.before - wide);
    }
    const int64_t at = image * image_ + y / spread_ * row_ + part.channel;
    copy.x = static_cast<const char*>(x_.data_ptr()) + at * x_.element_size();
    copy.to = to + part.before * part.step;
    set.copy(copy);
  }
}

}  // namespace lm::cpu
