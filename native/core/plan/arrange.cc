#include "core/plan/arrange.h"

#include <algorithm>
#include <numeric>

namespace lm {
namespace {

struct Taken {
  int64_t begin, end;
};

// With the gap before it, and whole cache lines.
int64_t taken_by(const Piece& piece) {
  return kArenaGap + (piece.bytes + kArenaGap - 1) / kArenaGap * kArenaGap;
}

bool live_together(const Piece& a, const Piece& b) { return a.from <= b.to && b.from <= a.to; }

}  // namespace

int64_t arrange(std::vector<Piece>& pieces) {
  std::vector<size_t> order(pieces.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return pieces[a].bytes > pieces[b].bytes; });
  int64_t size = 0;
  std::vector<size_t> placed;
  std::vector<Taken> taken;
  for (size_t i : order) {
    Piece& piece = pieces[i];
    taken.clear();
    for (size_t j : placed)
      if (live_together(piece, pieces[j]))
        taken.push_back({pieces[j].offset - kArenaGap, pieces[j].offset - kArenaGap + taken_by(pieces[j])});
    std::sort(taken.begin(), taken.end(), [](const Taken& a, const Taken& b) { return a.begin < b.begin; });
    int64_t at = 0;
    for (const Taken& t : taken) {
      if (t.begin - at >= taken_by(piece)) break;
      at = std::max(at, t.end);
    }
    piece.offset = at + kArenaGap;
    size = std::max(size, at + taken_by(piece));
    placed.push_back(i);
  }
  return size;
}

}  // namespace lm
