// Places for pieces of memory whose lifetimes are known.
#pragma once

#include <cstdint>
#include <vector>

namespace lm {

// `bytes` in use from one moment to another, both included.
struct Piece {
  int64_t bytes = 0;
  int from = 0, to = 0;
  int64_t offset = 0;
};

// Sets the offsets, so that no two pieces that live at one moment overlap, and every piece has kArenaGap
// bytes before it that nobody else uses; returns the size of the whole. The largest pieces first, each at the
// lowest place that is free for its life.
int64_t arrange(std::vector<Piece>& pieces);

constexpr int64_t kArenaGap = 64;

}  // namespace lm
