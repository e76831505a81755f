// Weights in the order in which tiles of them are multiplied.

#include <ATen/Parallel.h>

#include "core/kernels/cpu/tiles/image.h"

namespace lm::cpu {
namespace {

using at::Tensor;

constexpr int64_t kWorth = 1 << 14;  // numbers that are worth another thread

// As they lie, seen as weights of a convolution or of the one that gives its gradient.
struct Seen {
  const uint16_t* first;
  std::array<int64_t, 4> step;  // numbers from one filter, channel, row and column to the next
  int64_t group;                // from one group to the next
  int64_t filters, channels;    // of one group
};

// Sixteen filters: [kh, pieces, 16, 16, 2].
void pack_block(const Seen& s, int64_t joined, int64_t first, int64_t kh, int64_t kw, uint16_t* to) {
  const int64_t channels = s.channels * joined, run = kw * channels, pieces = tile_pieces(kw, channels);
  for (int64_t i = 0; i < kh; ++i)
    for (int64_t k = 0; k < pieces * kDepth; k += 2, to += 2 * kTile)
      for (int64_t pair = 0; pair < 2; ++pair) {
        const int64_t j = (k + pair) / channels, c = (k + pair) % channels, part = c / s.channels;
        for (int64_t n = 0; n < kTile; ++n) {
          const int64_t f = first + n;
          const bool is_there = k + pair < run && f / s.filters == part;
          to[2 * n + pair] = !is_there ? uint16_t{0}
                                       : s.first[part * s.group + f % s.filters * s.step[0] +
                                                 c % s.channels * s.step[1] + i * s.step[2] + j * s.step[3]];
        }
      }
}

// The same where numbers that are needed together lie so: those of a row of a filter or, turned about, those
// of sixteen channels.
bool packs_quickly(const Seen& s, int64_t joined, int64_t kh, int64_t kw, bool turned) {
  if (joined > 1) return false;
  if (turned) return s.step[0] == 1 && s.channels % kDepth == 0;
  return s.step[1] == 1 && (kw == 1 || s.step[3] == s.channels) && kh * kw > 0;
}

void pack_quickly(const Seen& s, int64_t first, int64_t kh, int64_t kw, bool turned, const TileSet& set,
                  Bfloat16* to) {
  const auto* const from = reinterpret_cast<const Bfloat16*>(s.first) + first * s.step[0];
  const int64_t pieces = tile_pieces(kw, s.channels);
  for (int64_t i = 0; i < kh; ++i, to += pieces * kPanel) {
    if (!turned) {
      set.panels(from + i * s.step[2], s.step[0], kw * s.channels, to);
      continue;
    }
    for (int64_t j = 0; j < kw; ++j)
      set.pair({.from = from + i * s.step[2] + j * s.step[3],
                .step = s.step[1],
                .positions = s.channels,
                .length = s.channels,
                .channels = kTile,
                .to = to + j * s.channels * kTile});
  }
}

}  // namespace

Tensor pack_tiles(const Tensor& given, int64_t groups, bool turned, const TileSet& set) {
  const Tensor weight = given.to(at::kBFloat16);
  const TileGroups all(weight.sizes(), groups);
  const int64_t kh = weight.size(2), kw = weight.size(3), of_one = weight.size(0) / groups;
  Seen s{.first = static_cast<const uint16_t*>(weight.data_ptr()),
         .step = {weight.stride(0), weight.stride(1), weight.stride(2), weight.stride(3)},
         .group = of_one * weight.stride(0),
         .filters = of_one,
         .channels = weight.size(1)};
  if (turned) {
    s.first += (kh - 1) * s.step[2] + (kw - 1) * s.step[3];
    s.step = {s.step[1], s.step[0], -s.step[2], -s.step[3]};
    std::swap(s.filters, s.channels);
  }
  const int64_t pieces = tile_pieces(kw, s.channels * all.joined), blocks = s.filters * all.joined / kTile;
  const Tensor out = at::empty({all.count, blocks, kh, pieces, kTile, kTile, 2}, at::kBFloat16);
  auto* const to = static_cast<uint16_t*>(out.data_ptr());
  const bool quickly = packs_quickly(s, all.joined, kh, kw, turned);
  at::parallel_for(
      0, all.count * blocks, std::max<int64_t>(1, kWorth / out.stride(1)), [&](int64_t from, int64_t end) {
        for (int64_t b = from; b < end; ++b) {
          Seen group = s;
          group.first += b / blocks * all.joined * s.group;
          uint16_t* const block = to + b * out.stride(1);
          if (quickly)
            pack_quickly(group, b % blocks * kTile, kh, kw, turned, set, reinterpret_cast<Bfloat16*>(block));
          else
            pack_block(group, all.joined, b % blocks * kTile, kh, kw, block);
        }
      });
  return out;
}

}  // namespace lm::cpu
