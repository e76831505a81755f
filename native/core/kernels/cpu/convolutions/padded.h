// Rows of an image, copied with zeros beside them: what the loops of convolutions read.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <type_traits>
#include <vector>

#include "core/kernels/cpu/convolutions/direct.h"
#include "core/kernels/cpu/pieces.h"

namespace lm::cpu {

template <typename Number>
Pixels<Number> pixels_of(const at::Tensor& t) {
  return {t.data_ptr<std::remove_const_t<Number>>(), t.stride(3), t.stride(2)};
}

template <typename Number>
Pixels<Number> moved(Pixels<Number> pixels, int64_t row, int64_t channel) {
  pixels.first += row * pixels.row + channel;
  return pixels;
}

// Memory of this thread, for one purpose or the other.
inline float* scratch_of(size_t purpose, int64_t numbers) {
  thread_local std::array<std::vector<float>, 3> scratch;
  scratch[purpose].resize(std::max(static_cast<size_t>(numbers), scratch[purpose].size()));
  return scratch[purpose].data();
}

// Rows begin to end of an image, some of which may be above or below it; x scale + shift of them where there
// is a scale, then relu.
struct PaddedRows {
  Pixels<const float> image{};
  int64_t height = 0, width = 0, channels = 0;
  int64_t step = 0;    // numbers from one pixel to the next, in the copy
  int64_t pixels = 0;  // of the image: its last row may be shorter
  int64_t begin = 0, end = 0;
  int64_t before = 0, behind = 0;  // pixels of zeros beside every row
  const float *scale = nullptr, *shift = nullptr;
  bool relu = false;
};

void copy_padded(const PaddedRows& rows, const DirectSet& set, float* to);

}  // namespace lm::cpu
