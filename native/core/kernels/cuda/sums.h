// Sums over rows, per channel, and over everything: partial sums of blocks in the wide type, and their totals
// in double. No atomics: the order of addition is fixed.
#pragma once

#include "core/kernels/cuda/rows.h"

namespace lm::cuda {

// out [grid.y, Items::kSums, channels]: the sums of a block. Items says what is added:
//   Columns columns(channel)                 what a thread needs of its channels
//   add(i, columns, sums)                    the pack at i goes into sums[kSums][kPack]
template <typename M, typename Items>
struct ColumnSums {
  using Number = typename Items::Number;
  static constexpr int kPack = Items::kPack, kSums = Items::kSums, kEach = kPack * kSums, kPhases = 3;
  struct Shared {
    typename M::template Shared<Number, kThreads * kEach> own;
    typename M::template Shared<Number, kThreads> parts;
  };
  using Local = Nothing;

  Items items;
  Tiles tiles;
  typename M::template Global<Number> out;

  template <int kPhase>
  LM_HD void run(const Thread& thread, Shared& shared, Local&) const {
    const int sums = kEach * tiles.across;        // of the block: one for each place in a pack and column
    const int groups = most(1, kThreads / sums);  // threads that share one of them
    if constexpr (kPhase == 0) add_rows(thread, shared);
    if constexpr (kPhase == 1) {
      for (int s = thread.index % sums; s < sums; s += kThreads) {
        const int group = sums < kThreads ? thread.index / sums : 0;
        Number total = 0;
        for (int row = group; row < tiles.down(); row += groups) total += shared.own.get(place(s, row));
        if (groups > 1)
          shared.parts.set(thread.index, total);
        else
          write(thread, s, total);
      }
    }
    if constexpr (kPhase == 2) {
      if (groups == 1 || thread.index >= sums) return;
      Number total = 0;
      for (int group = 0; group < groups; ++group) total += shared.parts.get(thread.index + group * sums);
      write(thread, thread.index, total);
    }
  }

 private:
  LM_HD void add_rows(const Thread& thread, Shared& shared) const {
    const InTile at(tiles, thread, kPack);
    Number sums[kSums][kPack] = {};
    if (at.channel < tiles.channels) {
      const auto columns = items.columns(at.channel);
      for (int64_t row = at.first; row < at.end; row += tiles.down())
        items.add(row * tiles.channels + at.channel, columns, sums);
    }
    for (int k = 0; k < kSums; ++k)
      for (int j = 0; j < kPack; ++j) shared.own.set((k * kPack + j) * kThreads + thread.index, sums[k][j]);
  }

  // Where the part of a row of threads in sum s lies: s = (number of the sum, place in the pack, column).
  LM_HD int place(int s, int row) const {
    return s / tiles.across * kThreads + row * tiles.across + s % tiles.across;
  }

  LM_HD void write(const Thread& thread, int s, Number total) const {
    const int which = s / tiles.across, sum = which / kPack, j = which % kPack;
    const int64_t channel = (thread.block_x * tiles.across + s % tiles.across) * kPack + j;
    if (channel < tiles.channels) out.set((thread.block_y * kSums + sum) * tiles.channels + channel, total);
  }
};

// What blocks summed, per channel: finish(channel, totals[kSums]) is called by one thread for each.
template <typename M, typename Finish>
struct Totals {
  using Number = typename Finish::Number;
  static constexpr int kSums = Finish::kSums, kPhases = 3, kWidest = 4, kRows = 16;
  struct Shared {
    typename M::template Shared<double, kThreads * kSums> own, parts;
  };
  using Local = Nothing;

  Finish finish;
  typename M::template Global<const Number> parts;  // [blocks, kSums, channels]
  int64_t blocks, channels;
  int across;  // channels of a block, a power of two

  static int across_of(int64_t channels) {
    int across = 1;
    while (across < kWidest && across < channels) across *= 2;
    return across;
  }
  static Grid grid_of(int64_t channels) { return {up(channels, across_of(channels)), 1}; }

  template <int kPhase>
  LM_HD void run(const Thread& thread, Shared& shared, Local&) const {
    const int down = kThreads / across, column = thread.index % across, row = thread.index / across;
    const int64_t channel = thread.block_x * across + column;
    if constexpr (kPhase == 0) {
      double sums[kSums] = {};
      for (int64_t block = row; channel < channels && block < blocks; block += down)
        for (int k = 0; k < kSums; ++k)
          sums[k] += static_cast<double>(parts.get((block * kSums + k) * channels + channel));
      for (int k = 0; k < kSums; ++k) shared.own.set(k * kThreads + thread.index, sums[k]);
    }
    if constexpr (kPhase == 1) {
      if (row < kRows) add_up(shared.own, shared.parts, thread.index, row, down);
    }
    if constexpr (kPhase == 2) {
      if (row > 0 || channel >= channels) return;
      double sums[kSums] = {};
      for (int k = 0; k < kSums; ++k)
        for (int r = 0; r < kRows; ++r) sums[k] += shared.parts.get(k * kThreads + r * across + column);
      finish(channel, sums);
    }
  }

 private:
  template <typename From, typename To>
  LM_HD void add_up(const From& from, To& to, int index, int row, int down) const {
    for (int k = 0; k < kSums; ++k) {
      double sum = 0;
      for (int r = row; r < down; r += kRows) sum += from.get(k * kThreads + r * across + index % across);
      to.set(k * kThreads + index, sum);
    }
  }
};

// out [Items::kSums, grid.x]... of everything: each block's sums as [grid.x, kSums]. Items:
//   add<n>(i, sums)    the n numbers from i on go into sums[kSums]
template <typename M, typename Items>
struct StripSums {
  using Number = typename Items::Number;
  static constexpr int kSums = Items::kSums, kPhases = 3, kRow = 16;
  struct Shared {
    typename M::template Shared<Number, kThreads * kSums> own;
    typename M::template Shared<Number, kRow * kSums> parts;
  };
  using Local = Nothing;

  Items items;
  Strip strip;
  typename M::template Global<Number> out;

  template <int kPhase>
  LM_HD void run(const Thread& thread, Shared& shared, Local&) const {
    if constexpr (kPhase == 0) {
      Number sums[kSums] = {};
      down_strip<Items::kPack>(
          strip, thread, [&](int64_t i) { items.template add<Items::kPack>(i, sums); },
          [&](int64_t i) { items.template add<1>(i, sums); });
      for (int k = 0; k < kSums; ++k) shared.own.set(k * kThreads + thread.index, sums[k]);
    }
    if constexpr (kPhase == 1) {
      if (thread.index >= kRow) return;
      for (int k = 0; k < kSums; ++k) {
        Number sum = 0;
        for (int i = thread.index; i < kThreads; i += kRow) sum += shared.own.get(k * kThreads + i);
        shared.parts.set(k * kRow + thread.index, sum);
      }
    }
    if constexpr (kPhase == 2) {
      if (thread.index >= kSums) return;
      Number sum = 0;
      for (int i = 0; i < kRow; ++i) sum += shared.parts.get(thread.index * kRow + i);
      out.set(thread.block_x * kSums + thread.index, sum);
    }
  }
};

}  // namespace lm::cuda
