// Convolutions of training by our own loops: 3 x 3 with stride 1 by Winograd's algorithm, and those of narrow
// groups; the gradient of x as the convolution that it is, of weights that are turned about. All others are
// libtorch's.

#include <ATen/Parallel.h>

#include "core/kernels/cpu/convolutions/padded.h"
#include "core/kernels/cpu/cpu.h"

namespace lm::cpu {
namespace {

using at::Tensor;

// Weights [out, 3, 3, in / groups] of whole registers.
struct Weights3x3 {
  explicit Weights3x3(const Tensor& t, int64_t groups)
      : groups(groups),
        filters(t.size(0) / groups),
        channels(t.size(1)),
        filter(t.stride(0)),
        tap(t.stride(3)),
        data(t.data_ptr<float>()) {}
  int64_t groups, filters, channels;  // both of one group
  int64_t filter, tap;                // numbers from one to the next
  float* data;
};

bool is_maps(const Tensor& t) { return t.scalar_type() == at::kFloat && t.dim() == 4 && t.stride(1) == 1; }

// For the result, or turned about for the gradient of x: [groups, filters / 16, 16 places, channels, 16].
Tensor packed(const Weights3x3& w, bool turned, const DirectSet& set) {
  const int64_t filters = turned ? w.channels : w.filters, channels = turned ? w.filters : w.channels;
  const int64_t blocks = filters / kLanes;
  const Tensor out = at::empty({w.groups, blocks, kPlaces, channels, kLanes}, at::kFloat);
  float* const to = out.data_ptr<float>();
  const int64_t size = kPlaces * channels * kLanes;
  constexpr int64_t kWorth = 1 << 14;
  at::parallel_for(0, w.groups * blocks, std::max<int64_t>(1, kWorth / size), [&](int64_t from, int64_t end) {
    for (int64_t i = from; i < end; ++i) {
      const int64_t group = i / blocks, first = i % blocks * kLanes;
      set.winograd_weights({.weight = w.data + group * w.filters * w.filter + first * (turned ? 1 : w.filter),
                            .filter = turned ? 1 : w.filter,
                            .tap = w.tap,
                            .channel = turned ? w.filter : 1,
                            .turned = turned,
                            .channels = channels,
                            .to = to + i * size});
    }
  });
  return out;
}

// out = x * weights + bias.
void slide(const Tensor& x, const Tensor& weight, const Tensor& bias, const Sliding& sliding,
           const Tensor& out, const DirectSet& set) {
  const Tensor none, added = bias.defined() ? bias.contiguous() : at::zeros({out.size(1)}, at::kFloat);
  convolve_fused({.x = x,
                  .scale = none,
                  .shift = none,
                  .weight = weight,
                  .bias = added,
                  .u = {},
                  .c = none,
                  .sliding = sliding,
                  .out = out},
                 set);
}

// Lines of two rows of all images are cut into pieces, which do not depend on the number of threads; their
// sums are added in their order. A unit is some filters of a piece.
class WeightGradient {
 public:
  WeightGradient(const Tensor& x, const Tensor& grad, const Sliding& sliding, const Weights3x3& into,
                 const DirectSet& set)
      : x_(x), grad_(grad), sliding_(sliding), into_(into), set_(set) {
    across_ = up(grad.size(3), 2);
    lines_of_image_ = up(grad.size(2), 2);
    lines_ = grad.size(0) * lines_of_image_;
    pieces_ = std::clamp<int64_t>(lines_ * across_ / kTilesOfPiece, 1, std::min(kMostPieces, lines_));
    tiles_ = std::max(across_, std::clamp(into.filters + into.channels, kLeastTiles, kMostTiles));
    blocks_ = into.filters / kLanes;
    share();
    const int64_t sums = kPlaces * into.filters * into.channels;
    sums_ = at::zeros({into.groups, pieces_, sums}, at::kFloat);
  }

  void run() const {
    const int64_t units = into_.groups * pieces_ * parts_;
    at::parallel_for(0, units, 1, [&](int64_t from, int64_t end) {
      for (int64_t i = from; i < end; ++i) unit(i / parts_ / pieces_, i / parts_ % pieces_, i % parts_);
    });
    const int64_t channel_blocks = into_.channels / kLanes;
    at::parallel_for(0, into_.groups * blocks_, 1, [&](int64_t from, int64_t end) {
      for (int64_t i = from; i < end; ++i)
        for (int64_t c = 0; c < channel_blocks; ++c) finish(i / blocks_, i % blocks_, c);
    });
  }

 private:
  static constexpr int64_t kTilesOfPiece = 512, kMostPieces = 64;  // at least, at most
  static constexpr int64_t kLeastTiles = 64, kMostTiles = 128;     // that are multiplied at a time

  // As few parts of the filters as keep all threads at work: each transforms x anew.
  void share() {
    const int64_t threads = at::get_num_threads(), units = into_.groups * pieces_;
    int64_t least = 0;
    for (int64_t parts = 1; parts <= blocks_; ++parts) {
      constexpr int64_t kTransform = 4;  // about what it costs beside the products of a filter
      const int64_t most = up(units * parts, threads) * (up(blocks_, parts) * kLanes + kTransform);
      if (parts > 1 && most >= least) continue;
      least = most;
      parts_ = parts;
    }
  }

  float* sums_of(int64_t group, int64_t piece) const {
    return sums_.data_ptr<float>() + (group * pieces_ + piece) * sums_.size(2);
  }

  void unit(int64_t group, int64_t piece, int64_t part) const {
    const int64_t first = part * blocks_ / parts_ * kLanes, last = (part + 1) * blocks_ / parts_ * kLanes;
    const int64_t filters = last - first;
    WinogradTiles tiles{.channels = into_.channels,
                        .filters = filters,
                        .width = grad_.size(3),
                        .v_plane = tiles_ * into_.channels + kLanes,
                        .d_plane = tiles_ * filters + kLanes};
    WinogradProducts products{.v_plane = tiles.v_plane,
                              .d_plane = tiles.d_plane,
                              .channels = into_.channels,
                              .filters = filters,
                              .sums = sums_of(group, piece) + kPlaces * into_.channels * first};
    float* const scratch = scratch_of(1, kPlaces * (tiles.v_plane + tiles.d_plane));
    products.v = scratch;
    products.d = scratch + kPlaces * tiles.v_plane;
    const int64_t end = (piece + 1) * lines_ / pieces_;
    for (int64_t line = piece * lines_ / pieces_; line < end;) {
      const int64_t image = line / lines_of_image_, y = line % lines_of_image_;
      const int64_t most = (tiles_ - products.tiles) / across_;
      if (most == 0) {
        set_.winograd_products(products);
        products.tiles = 0;
        continue;
      }
      const int64_t lines = std::min({most, end - line, lines_of_image_ - y});
      tiles.v = scratch + products.tiles * into_.channels;
      tiles.d = scratch + kPlaces * tiles.v_plane + products.tiles * filters;
      some_lines(tiles, group, first, image, y * 2, lines);
      products.tiles += lines * across_;
      line += lines;
    }
    set_.winograd_products(products);
  }

  // Lines of one image from row y on.
  void some_lines(WinogradTiles tiles, int64_t group, int64_t filter, int64_t image, int64_t y,
                  int64_t lines) const {
    const auto [ph, pw] = sliding_.padding;
    PaddedRows rows{
        .image = moved(pixels_of<const float>(x_), 0, image * x_.stride(0) + group * into_.channels),
        .height = x_.size(2),
        .width = x_.size(3),
        .channels = into_.channels,
        .pixels = x_.size(2) * x_.size(3),
        .begin = y - ph,
        .end = y - ph + 2 * lines + 2,
        .before = pw,
        .behind = pw + grad_.size(3) % 2};
    const int64_t row = (rows.before + rows.width + rows.behind) * rows.channels;
    float* const copy = scratch_of(0, (rows.end - rows.begin) * row);
    copy_padded(rows, set_, copy);
    tiles.x = {copy, rows.channels, row};
    tiles.grad =
        moved(pixels_of<const float>(grad_), y, image * grad_.stride(0) + group * into_.filters + filter);
    tiles.rows = std::min(2 * lines, grad_.size(2) - y);
    set_.winograd_tiles(tiles);
  }

  // All pieces of sixteen filters and sixteen channels.
  void finish(int64_t group, int64_t block, int64_t channel_block) const {
    // The sums of a part lie together, for they were made together.
    int64_t part = 0;
    while ((part + 1) * blocks_ / parts_ <= block) ++part;
    const int64_t first = part * blocks_ / parts_, count = (part + 1) * blocks_ / parts_ - first;
    const int64_t channel_blocks = into_.channels / kLanes, square = kLanes * kLanes;
    set_.winograd_sums({.sums = sums_of(group, 0) + kPlaces * into_.channels * first * kLanes +
                                ((block - first) * channel_blocks + channel_block) * square,
                        .place = count * channel_blocks * square,
                        .piece = sums_.size(2),
                        .pieces = pieces_,
                        .weight = into_.data + (group * into_.filters + block * kLanes) * into_.filter +
                                  channel_block * kLanes,
                        .filter = into_.filter,
                        .tap = into_.tap});
  }

  const Tensor &x_, &grad_;
  const Sliding& sliding_;
  const Weights3x3& into_;
  const DirectSet& set_;
  int64_t lines_of_image_ = 0, lines_ = 0;
  int64_t across_ = 0, tiles_ = 0;  // tiles in a line, and those that are multiplied at a time
  int64_t pieces_ = 1, blocks_ = 1, parts_ = 1;
  Tensor sums_;
};

// Weights or their gradient in an order that the loops read.
bool is_weights(const Tensor& t) { return is_maps(t) && t.stride(2) == 3 * t.stride(3); }

}  // namespace

bool by_own_loops(const Convolution& c) {
  const Sliding& s = c.sliding;
  if (!is_maps(c.x) || c.weight.dim() != 4) return false;
  if (is_narrow(c.weight.sizes(), s)) return true;
  // What is summed of fewer pixels has fewer right digits than its products.
  constexpr int64_t kLeastPixels = 16;
  const int64_t height = c.x.size(2) + 2 * s.padding[0] - 2, width = c.x.size(3) + 2 * s.padding[1] - 2;
  return c.x.size(0) * height * width >= kLeastPixels && is_weights(c.weight) && c.weight.size(2) == 3 &&
         c.weight.size(3) == 3 && s.stride[0] == 1 && s.stride[1] == 1 &&
         std::max(s.padding[0], s.padding[1]) <= 2 && c.weight.size(1) % kLanes == 0 &&
         c.weight.size(0) / s.groups % kLanes == 0;
}

void convolve(const Convolution& c, const Tensor& out, const DirectSet& set) {
  const bool narrow = is_narrow(c.weight.sizes(), c.sliding);
  const Tensor weight =
      narrow ? pack_weight(c.weight, c.sliding) : packed(Weights3x3(c.weight, c.sliding.groups), false, set);
  slide(c.x, weight, c.bias, c.sliding, out, set);
}

namespace {

// That of x is a convolution of the other where the window moves by one; libtorch's where it does not.
void narrow_backward(const Convolution& c, const Tensor& grad, const Gradients& to, const DirectSet& set) {
  const Sliding& s = c.sliding;
  const std::array<int64_t, 2> padding{c.weight.size(2) - 1 - s.padding[0], 2 - s.padding[1]};
  if (to.x.defined() && s.stride[0] == 1 && s.stride[1] == 1 && std::min(padding[0], padding[1]) >= 0) {
    const Sliding back{.padding = padding, .groups = s.groups};
    const Tensor turned = c.weight.flip({2, 3}).unflatten(0, {s.groups, -1}).transpose(1, 2).flatten(0, 1);
    slide(grad, pack_weight(turned, back), Tensor(), back, to.x, set);
  } else if (to.x.defined()) {
    const Tensor none;
    plain_kernels.convolve_backward(c, grad, {to.x, none, none});
  }
  if (to.weight.defined()) narrow_weight_gradient(c.x, grad, s, to.weight, set);
}

void wide_backward(const Convolution& c, const Tensor& grad, const Gradients& to, const DirectSet& set) {
  if (to.x.defined()) {
    const auto [ph, pw] = c.sliding.padding;
    const Sliding back{.padding = {2 - ph, 2 - pw}, .groups = c.sliding.groups};
    slide(grad, packed(Weights3x3(c.weight, c.sliding.groups), true, set), Tensor(), back, to.x, set);
  }
  if (to.weight.defined())
    WeightGradient(c.x, grad, c.sliding, Weights3x3(to.weight, c.sliding.groups), set).run();
}

}  // namespace

void convolve_backward(const Convolution& c, const Tensor& grad, const Gradients& to, const DirectSet& set) {
  (is_narrow(c.weight.sizes(), c.sliding) ? narrow_backward : wide_backward)(c, grad, to, set);
  if (to.bias.defined()) to.bias.add_(grad.sum({0, 2, 3}));
}

void convolve(const Convolution& c, const Tensor& out) {
  if (!by_own_loops(c) || !is_maps(out)) return plain_kernels.convolve(c, out);
  convolve(c, out, direct_set());
}

void convolve_backward(const Convolution& c, const Tensor& grad, const Gradients& to) {
  const bool fit =
      is_maps(grad) && (!to.x.defined() || is_maps(to.x)) && (!to.weight.defined() || is_weights(to.weight));
  if (!fit || !by_own_loops(c)) return plain_kernels.convolve_backward(c, grad, to);
  convolve_backward(c, grad, to, direct_set());
}

}  // namespace lm::cpu
