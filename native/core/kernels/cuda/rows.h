// How rows of channels, or a flat piece of memory, are cut into blocks of threads. The cut follows from the
// sizes alone, not from the card: sums are the same everywhere.
#pragma once

#include "core/kernels/cuda/machine.h"

namespace lm::cuda {

LM_HD int64_t up(int64_t a, int64_t b) { return (a + b - 1) / b; }
LM_HD int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
LM_HD int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

// Rows [rows, channels]. A block is `across` packs of channels wide, a power of two, and takes `rows_each`
// rows; its threads go down them kThreads / across at a time.
struct Tiles {
  int64_t rows = 0, channels = 0, rows_each = 1;
  int across = 1;
  Grid grid;

  // A thread takes `least` rows at least.
  static Tiles of(int64_t rows, int64_t channels, int pack, int64_t blocks, int64_t least) {
    constexpr int64_t kWidest = 32;
    Tiles t;
    t.rows = rows;
    t.channels = channels;
    const int64_t packs = channels / pack;
    while (t.across < kWidest && t.across < packs) t.across *= 2;
    t.grid.x = up(packs, t.across);
    t.rows_each = most(up(rows, most(1, blocks / t.grid.x)), t.down() * least);
    t.grid.y = up(rows, t.rows_each);
    return t;
  }
  LM_HD int down() const { return kThreads / across; }
};

// Where a thread is in its tile.
struct InTile {
  LM_HD InTile(const Tiles& t, const Thread& thread, int pack)
      : column(thread.index % t.across),
        channel((thread.block_x * t.across + column) * pack),
        first(thread.block_y * t.rows_each + thread.index / t.across),
        end(least(t.rows, (thread.block_y + 1) * t.rows_each)) {}
  int column;
  int64_t channel, first, end;
};

// Flat memory of `count` numbers in packs: a thread takes every (blocks kThreads)-th pack; the numbers behind
// the last whole pack are for the first threads of block 0.
struct Strip {
  int64_t count = 0;
  Grid grid;

  static Strip of(int64_t count, int pack, int64_t blocks) {
    return {count, {most(1, least(blocks, up(count / pack, kThreads))), 1}};
  }
};

// Calls whole(i) for the packs of a thread and rest(i) for single numbers.
template <int kPack, typename Whole, typename Rest>
LM_HD void down_strip(const Strip& strip, const Thread& thread, const Whole& whole, const Rest& rest) {
  const int64_t packs = strip.count / kPack, stride = thread.blocks_x * kThreads;
  for (int64_t i = thread.block_x * kThreads + thread.index; i < packs; i += stride) whole(i * kPack);
  const int64_t last = packs * kPack + thread.index;
  if (thread.block_x == 0 && last < strip.count) rest(last);
}

}  // namespace lm::cuda
