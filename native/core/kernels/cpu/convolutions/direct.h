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
  // What is read next, so many numbers of it for every tile that is computed: fetched meanwhile.
  const float* next = nullptr;
  int64_t ahead = 0;
  size_t added = 0;
  std::array<Pixels<const float>, kMostTerms> u{};
  std::array<const float*, kMostTerms> c{};  // each as long as the bias
  bool relu = false;
};

// Some pixels of a row, `step` numbers apart in `to`; where there is a scale, to = x scale + shift, then
// relu.
struct DirectCopy {
  Pixels<const float> x{};
  int64_t pixels = 0, channels = 0;
  const float* scale = nullptr;  // [channels], as shift
  const float* shift = nullptr;
  bool relu = false;
  int64_t step = 0;
  float* to = nullptr;
};

// The sixteen places of a tile of Winograd's, and about how many tiles are transformed before they are
// multiplied, half as many more at most: their numbers stay in the cache, or the weights are read that often.
constexpr int64_t kPlaces = 16;
constexpr int64_t tiles_at_a_time(int64_t channels) {
  constexpr int64_t kFewest = 16;
  const int64_t fit = (int64_t{1} << 12) / channels;
  return fit < kFewest ? kFewest : fit;
}
// Numbers of scratch memory that it takes: loops read past the last tile.
constexpr int64_t winograd_scratch(int64_t channels) {
  return kPlaces * (2 * tiles_at_a_time(channels) * channels + kLanes);
}

// Weights of 3 x 3 as Winograd's algorithm takes them: those of 16 filters, and of some channels. For the
// gradient of x they are turned about: what are its filters lies side by side, and the last tap comes first;
// else the channels do.
struct WinogradWeights {
  const float* weight = nullptr;
  int64_t filter = 0, tap = 0, channel = 0;  // numbers from one to the next
  bool turned = false;
  int64_t channels = 0;  // a multiple of 16
  float* to = nullptr;   // [16 places, channels, 16]
};

// What the gradient of 3 x 3 weights is summed of: tiles of x, and of the gradient of the result, of some
// rows of one image.
struct WinogradTiles {
  Pixels<const float> x{};                                 // padded: at the first tap of the first window
  Pixels<const float> grad{};                              // at the same window
  int64_t channels = 0, filters = 0, rows = 0, width = 0;  // rows and width of grad
  float *v = nullptr, *d = nullptr;                        // to [16 places, tiles, channels or filters]
  int64_t v_plane = 0, d_plane = 0;                        // from one place to the next
};

// sums [16 places, filters / 16, channels / 16, 16, 16] += for every place, sum over tiles of d v.
struct WinogradProducts {
  const float *v = nullptr, *d = nullptr;
  int64_t v_plane = 0, d_plane = 0, tiles = 0, channels = 0, filters = 0;
  float* sums = nullptr;
};

// weight += the gradient that such sums make, of 16 filters and 16 channels, from some pieces.
struct WinogradSums {
  const float* sums = nullptr;
  int64_t place = 0, piece = 0, pieces = 0;  // numbers from one to the next, and how many
  float* weight = nullptr;
  int64_t filter = 0, tap = 0;  // channels lie side by side
};

// sums [filters / 16, kernel_height, 3, channels, 16] += the gradient of weights of a convolution with narrow
// groups, from some rows of one image.
struct NarrowGradient {
  Pixels<const float> x{};     // padded: at the first tap of the first window
  Pixels<const float> grad{};  // at the same window
  int64_t channels = 4;        // of a group: 4 or 8
  int64_t filters = 0, rows = 0, width = 0, kernel_height = 3, stride_height = 1, stride_width = 1;
  float* sums = nullptr;
};

// Some channels of some pixels, which lie `step` numbers apart, in panels of sixteen: where there is a scale,
// x scale + shift of them, then relu.
struct PointwisePanels {
  const float* x = nullptr;
  int64_t step = 0, pixels = 0, channels = 0;  // a multiple of 16
  const float *scale = nullptr, *shift = nullptr;
  bool relu = false;
  int64_t panel = 0;    // numbers from one to the next
  float* to = nullptr;  // [channels / 16, pixels, 16]
};

// sums [filters, channels] += sum over pixels of grad x, both in panels.
struct PointwiseProducts {
  const float *x = nullptr, *grad = nullptr;
  int64_t panel = 0, pixels = 0, channels = 0, filters = 0;
  float* sums = nullptr;
  int64_t row = 0;  // numbers from one filter to the next
};

// One row an instruction set, best first; the last runs everywhere.
struct DirectSet {
  const char* name;
  bool (*is_here)();
  void (*convolve)(const DirectRows& rows);
  // The same of 3 x 3 with stride 1, by weights [filters / 16, 16, channels, 16]; channels a multiple of 16.
  // It reads a column more of x if the width is odd, and a row more if the rows are.
  void (*winograd)(const DirectRows& rows, float* scratch);
  void (*copy)(const DirectCopy& copy);
  void (*winograd_weights)(const WinogradWeights& weights);
  void (*winograd_tiles)(const WinogradTiles& tiles);
  void (*winograd_products)(const WinogradProducts& products);
  void (*winograd_sums)(const WinogradSums& sums);
  // As `convolve`, of groups of 4 or 8 channels, with as many filters, and windows of three columns that move
  // by one or two: weights [filters / 16, kh, 3, channels, 16].
  void (*narrow)(const DirectRows& rows);
  void (*narrow_gradient)(const NarrowGradient& gradient);
  void (*pointwise_panels)(const PointwisePanels& panels);
  void (*pointwise_products)(const PointwiseProducts& products);
};

std::span<const DirectSet> direct_sets();

// The first set that is here.
const DirectSet& direct_set();

#define LM_DIRECT_FUNCTIONS(set)                         \
  void convolve_##set(const DirectRows&);                \
  void winograd_##set(const DirectRows&, float*);        \
  void copy_##set(const DirectCopy&);                    \
  void winograd_weights_##set(const WinogradWeights&);   \
  void winograd_tiles_##set(const WinogradTiles&);       \
  void winograd_products_##set(const WinogradProducts&); \
  void winograd_sums_##set(const WinogradSums&);         \
  void narrow_##set(const DirectRows&);                  \
  void narrow_gradient_##set(const NarrowGradient&);     \
  void pointwise_panels_##set(const PointwisePanels&);   \
  void pointwise_products_##set(const PointwiseProducts&);
LM_DIRECT_FUNCTIONS(avx512)
LM_DIRECT_FUNCTIONS(avx2)
LM_DIRECT_FUNCTIONS(any)
#undef LM_DIRECT_FUNCTIONS

}  // namespace lm::cpu
