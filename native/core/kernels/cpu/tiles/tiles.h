// Products of bfloat16 that are summed in float32, sixteen rows by sixteen columns at a time: what
// convolutions of mixed precision and their gradients are made of. No ATen here: the loops are compiled for
// several instruction sets, and the best that the machine has is taken.
#pragma once

#include <cstdint>
#include <span>

#include "core/kernels/cpu/rows.h"

// Compilers that know the instructions.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && __GNUC__ >= 11
#define LM_TILES
#endif

namespace lm::cpu {

constexpr int64_t kTile = 16;   // rows and columns of a tile
constexpr int64_t kDepth = 32;  // products that each of its sums is of
constexpr int64_t kPanel = kTile * kDepth;

// Some pixels of a row as bfloat16: x or, where there is a scale, x scale + shift, then relu. Channels lie in
// blocks.
struct TileCopy {
  const void* x = nullptr;
  bool half = true;  // x is of bfloat16, else of float32
  int64_t step = 0;  // numbers from one pixel to the next
  int64_t pixels = 0, channels = 0;
  const float *scale = nullptr, *shift = nullptr;  // [channels]
  bool relu = false;                               // where there is a scale
  Bfloat16* to = nullptr;
  int64_t to_step = 0, block = 0, to_block = 0;  // to_block: numbers from one block of channels to the next
};

// out = x * weight + bias of some rows of one image. Pixels of all rows are taken as one run, in which those
// between two rows are computed and left out.
struct TileRows {
  const Bfloat16* x = nullptr;  // padded: at the first tap of the first window
  int64_t step = 0;             // from one window to the next
  int64_t tap_row = 0;          // from one row of a window to the next
  int64_t kernel_height = 1;
  int64_t pieces = 1;                      // of kDepth numbers: a row of a window lies side by side
  const Bfloat16* weight = nullptr;        // [filters / 16, kernel_height, pieces, 16, 16, 2]
  const float* bias = nullptr;             // [filters], or null
  int64_t filters = 0;                     // a multiple of 16
  int64_t rows = 1, width = 0, pitch = 0;  // pitch: windows from one row to the next
  void* out = nullptr;
  bool half = true;  // out is of bfloat16, else of float32
  int64_t out_step = 0, out_row = 0;
};

// Numbers [positions, channels], `step` from one position to the next, in the orders that a product of two
// matrices whose sums are over positions reads them in; behind the last position there are zeros up to
// `length`, a multiple of kDepth.
struct TilePositions {
  const Bfloat16* from = nullptr;
  int64_t step = 0, positions = 0, length = 0, channels = 0;  // channels a multiple of 16
  Bfloat16* to = nullptr;
};

// sums [filters / 16, windows, 16, 16] += sum over positions of x grad, of sixteen channels by sixteen
// filters.
struct TileWeights {
  // By window: the first of sixteen channels, from the window's position on.
  const Bfloat16* const* x = nullptr;
  int64_t windows = 0;
  int64_t row = 0;                 // from one channel to the next
  const Bfloat16* grad = nullptr;  // [filters / 16, steps, 16, 16, 2]
  int64_t steps = 0, filters = 0;
  float* sums = nullptr;
};

// One row an instruction set, best first; the last runs everywhere.
struct TileSet {
  const char* name;
  bool (*is_here)();
  bool is_fast;  // known to be faster than libtorch's convolutions of bfloat16
  void (*copy)(const TileCopy& copy);
  void (*convolve)(const TileRows& rows);
  void (*transpose)(const TilePositions& positions);  // to [channels, length]
  void (*pair)(const TilePositions& positions);       // to [channels / 16, length / 32, 16, 16, 2]
  // Numbers of sixteen rows, with zeros behind the last: [numbers / 32, 16, 16, 2].
  void (*panels)(const Bfloat16* from, int64_t row, int64_t numbers, Bfloat16* to);
  void (*weights)(const TileWeights& weights);
};

std::span<const TileSet> tile_sets();

// The first set that is here.
const TileSet& tile_set();

#define LM_TILE_FUNCTIONS(set)                                          \
  bool has_tiles_##set();                                               \
  void tile_copy_##set(const TileCopy&);                                \
  void tile_convolve_##set(const TileRows&);                            \
  void tile_transpose_##set(const TilePositions&);                      \
  void tile_pair_##set(const TilePositions&);                           \
  void tile_panels_##set(const Bfloat16*, int64_t, int64_t, Bfloat16*); \
  void tile_weights_##set(const TileWeights&);
LM_TILE_FUNCTIONS(amx)
LM_TILE_FUNCTIONS(avx512)
LM_TILE_FUNCTIONS(any)
#undef LM_TILE_FUNCTIONS

}  // namespace lm::cpu
