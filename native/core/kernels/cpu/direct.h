// Convolutions of channels-last float32 images, computed as they are defined: every output is a sum over the
// window and the input channels, in that order, sixteen output channels and a few pixels at a time. No ATen
// here: the loops are compiled for several instruction sets, and the best that the machine has is taken.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace lm::cpu {

constexpr int64_t kLanes = 16;    // output channels at a time
constexpr size_t kMostTerms = 3;  // that a convolution adds

// A part of an image: numbers of one pixel lie side by side.
template <typename Number>
struct Pixels {
  Number* first = nullptr;
  int64_t step = 0, row = 0;  // numbers between neighbours, and between rows
};

// out = relu(x * weight + bias + sum of c_i u_i) of some rows of one image.
struct DirectRows {
  Pixels<const float> x{};        // padded: at the first tap of the first window
  const float* weight = nullptr;  // [filters / 16, kh, kw, channels, 16]
  const float* bias = nullptr;    // [filters], and zeros up to a multiple of 16
  int64_t channels = 0, filters = 0, kernel_height = 1, kernel_width = 1;
  int64_t stride_height = 1, stride_width = 1;
  Pixels<float> out{};
  int64_t rows = 0, width = 0;  // of out
  size_t added = 0;
  std::array<Pixels<const float>, kMostTerms> u{};
  std::array<const float*, kMostTerms> c{};  // each as long as the bias
  bool relu = false;
};

// Some pixels of a row, side by side in `to`; where there is a scale, to = x scale + shift, then relu.
struct DirectCopy {
  Pixels<const float> x{};
  int64_t pixels = 0, channels = 0;
  const float* scale = nullptr;  // [channels], as shift
  const float* shift = nullptr;
  bool relu = false;
  float* to = nullptr;
};

// The sixteen places of a tile of Winograd's, and the tiles that are transformed before they are multiplied:
// a multiple of 8 whose numbers stay in the cache.
constexpr int64_t kPlaces = 16;
constexpr int64_t tiles_at_a_time(int64_t channels) {
  const int64_t fit = (int64_t{1} << 12) / channels / 8 * 8;
  return fit < 8 ? 8 : fit;
}
// Numbers of scratch memory that it takes.
constexpr int64_t winograd_scratch(int64_t channels) {
  return kPlaces * (tiles_at_a_time(channels) * channels + kLanes);
}

// One row an instruction set, best first; the last runs everywhere.
struct DirectSet {
  const char* name;
  bool (*is_here)();
  void (*convolve)(const DirectRows& rows);
  // The same of 3 x 3 with stride 1, by weights [filters / 16, 16, channels, 16]; channels a multiple of 16.
  // It reads a column more of x if the width is odd, and a row more if the rows are.
  void (*winograd)(const DirectRows& rows, float* scratch);
  void (*copy)(const DirectCopy& copy);
};

std::span<const DirectSet> direct_sets();

// The first set that is here.
const DirectSet& direct_set();

void convolve_avx512(const DirectRows& rows);
void winograd_avx512(const DirectRows& rows, float* scratch);
void copy_avx512(const DirectCopy& copy);
void convolve_avx2(const DirectRows& rows);
void winograd_avx2(const DirectRows& rows, float* scratch);
void copy_avx2(const DirectCopy& copy);
void convolve_any(const DirectRows& rows);
void winograd_any(const DirectRows& rows, float* scratch);
void copy_any(const DirectCopy& copy);

}  // namespace lm::cpu
