// How loops over rows of channels are cut into work for threads.
#pragma once

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

namespace lm::cpu {

// So many pieces of b hold a.
inline int64_t up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Work is cut into pieces that do not depend on the number of threads, so that sums do not either.
constexpr int64_t kPieces = 64;      // at most
constexpr int64_t kBlockRows = 256;  // rows summed in the tensor's own precision before they enter a double
constexpr int64_t kGrain = 1 << 13;

// Rows of channels, taken several at a time where there are few channels, so that every loop is long.
struct Layout {
  explicit Layout(const at::Tensor& x)
      : channels(x.size(1)), rows(x.numel() / x.size(1)), repeat(std::max<int64_t>(1, 128 / x.size(1))) {}
  int64_t channels, rows, repeat;
  int64_t width() const { return channels * repeat; }
};

// A per-channel array repeated to the width of the loops.
template <typename T, typename Number>
std::vector<T> repeated(const Layout& layout, const Number& number) {
  std::vector<T> out(static_cast<size_t>(layout.width()));
  for (int64_t c = 0; c < layout.channels; ++c) out[static_cast<size_t>(c)] = static_cast<T>(number(c));
  for (int64_t k = 1; k < layout.repeat; ++k)
    std::copy_n(out.begin(), layout.channels, out.begin() + k * layout.channels);
  return out;
}

// Two sums per channel over all rows, in double; `add` sums numbers begin to end into arrays of the loops'
// width.
template <typename T, typename Add>
std::pair<std::vector<double>, std::vector<double>> sum_rows(const Layout& layout, const Add& add) {
  const auto c = static_cast<size_t>(layout.channels), width = static_cast<size_t>(layout.width());
  const int64_t pieces = std::clamp<int64_t>(layout.rows / kBlockRows, 1, kPieces);
  const int64_t per_piece = (layout.rows + pieces - 1) / pieces;
  std::vector<double> parts(static_cast<size_t>(pieces) * 2 * c, 0.0);
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, per_piece * layout.channels));
  at::parallel_for(0, pieces, grain, [&](int64_t from, int64_t to) {
    std::vector<T> sums(2 * width);
    for (int64_t piece = from; piece < to; ++piece) {
      double* part = parts.data() + static_cast<size_t>(piece) * 2 * c;
      const int64_t last = std::min(layout.rows, (piece + 1) * per_piece);
      for (int64_t row = piece * per_piece; row < last; row += kBlockRows) {
        std::fill(sums.begin(), sums.end(), T(0));
        add(row * layout.channels, std::min(last, row + kBlockRows) * layout.channels, sums.data(),
            sums.data() + width);
        for (size_t j = 0; j < 2 * width; j += c)  // both sums, the repeats of the channels onto each other
          for (size_t k = 0; k < c; ++k) part[(j < width ? 0 : c) + k] += static_cast<double>(sums[j + k]);
      }
    }
  });
  std::pair<std::vector<double>, std::vector<double>> total{std::vector<double>(c, 0.0),
                                                            std::vector<double>(c, 0.0)};
  for (size_t piece = 0; piece < static_cast<size_t>(pieces); ++piece)
    for (size_t j = 0; j < c; ++j) {
      total.first[j] += parts[piece * 2 * c + j];
      total.second[j] += parts[piece * 2 * c + c + j];
    }
  return total;
}

// Parts that each of some units is cut into by blocks of its filters: as few as keep all threads at work, for
// every part reads the input anew, which costs about as much as the products of `reading` blocks.
inline int64_t parts_of(int64_t units, int64_t blocks, double reading) {
  const int64_t threads = at::get_num_threads();
  int64_t best = 1;
  double least = 0;
  for (int64_t parts = 1; parts <= blocks; ++parts) {
    const int64_t most = (units * parts + threads - 1) / threads;  // of one thread
    const double work =
        static_cast<double>(most) * (static_cast<double>((blocks + parts - 1) / parts) + reading);
    if (parts > 1 && work >= least) continue;
    least = work;
    best = parts;
  }
  return best;
}

// All units of some work in their order, by so many threads: each takes the next one as soon as it is free,
// for the machine may slow one of them.
template <typename Work>
void take_turns(int64_t threads, int64_t units, const Work& work) {
  std::atomic<int64_t> next{0};
  at::parallel_for(0, std::min(threads, units), 1, [&](int64_t, int64_t) {
    for (int64_t unit; (unit = next++) < units;) work(unit);
  });
}

// Pieces of work that are taken in turns. The last ones, where there are few, in parts of their blocks, so
// that all threads end at about the same time; every part reads its input anew, which is worth it for so many
// blocks.
class Turns {
 public:
  Turns(int64_t threads, int64_t pieces, int64_t blocks, int64_t worth) : threads_(threads), whole_(pieces) {
    if (threads == 1 || pieces >= kMany * threads) return;
    cut_ = std::min(pieces, threads);
    whole_ -= cut_;
    parts_ = std::min(blocks, (threads + cut_ - 1) / cut_);
    if (blocks >= kTimes * parts_ * worth) parts_ *= kTimes;
  }

  // Calls work(piece, part, parts of it).
  template <typename Work>
  void take(const Work& work) const {
    take_turns(threads_, whole_ + cut_ * parts_, [&](int64_t unit) {
      const int64_t part = unit - whole_;
      if (part < 0) return work(unit, 0, 1);
      work(whole_ + part / parts_, part % parts_, parts_);
    });
  }

 private:
  static constexpr int64_t kMany = 16;  // pieces for each thread: the last ones are small enough as they are
  static constexpr int64_t kTimes = 4;  // as many parts as one for each thread, where blocks allow
  int64_t threads_, whole_, cut_ = 0, parts_ = 1;
};

template <typename T, typename Work>
void for_rows(const Layout& layout, const Work& work) {
  at::parallel_for(0, layout.rows, std::max<int64_t>(1, kGrain / layout.channels),
                   [&](int64_t from, int64_t to) { work(from * layout.channels, to * layout.channels); });
}

}  // namespace lm::cpu
