// The gradient of 1 x 1 weights: how the work is shared out.

#include <ATen/Parallel.h>

#include "core/kernels/cpu/convolutions/read_input.h"
#include "core/kernels/cpu/cpu.h"
#include "core/kernels/cpu/pieces.h"

namespace lm::cpu {
namespace {

using at::Tensor;

// Pixels of all images are cut into pieces, which do not depend on the number of threads; their sums are
// added in their order. A unit is some filters of a piece.
class PointwiseWeights {
 public:
  PointwiseWeights(const ReadInput& x, const Tensor& grad, const Tensor& into, const DirectSet& set)
      : input_(x), grad_(grad), into_(into), set_(set), filters_(into.size(0)), channels_(into.size(1)) {
    pixels_ = grad.size(0) * grad.size(2) * grad.size(3);
    pieces_ = std::clamp<int64_t>(pixels_ / kPixelsOfPiece, 1, kMostPieces);
    blocks_ = filters_ / kLanes;
    parts_ = parts_of(pieces_, blocks_, 0.25);
    if (pieces_ > 1) sums_ = at::empty({pieces_, filters_, channels_}, at::kFloat);
  }

  void run() const {
    at::parallel_for(0, pieces_ * parts_, 1, [&](int64_t from, int64_t end) {
      for (int64_t i = from; i < end; ++i) {
        const int64_t part = i % parts_;
        unit(i / parts_, part * blocks_ / parts_ * kLanes, (part + 1) * blocks_ / parts_ * kLanes);
      }
    });
    if (pieces_ > 1) add_pieces();
  }

 private:
  static constexpr int64_t kPixelsOfPiece = 2048, kMostPieces = 64;  // at least, at most
  static constexpr int64_t kPixels = 256, kChannels = 512;           // that are put in panels at a time
  static constexpr int64_t kPanel = kPixels * kLanes + kLanes;       // not all in the same places of a cache

  // Filters first to last of a piece.
  void unit(int64_t piece, int64_t first, int64_t last) const {
    const int64_t row = pieces_ > 1 ? channels_ : into_.stride(0);
    float* const sums =
        (pieces_ > 1 ? sums_.data_ptr<float>() + piece * filters_ * channels_ : into_.data_ptr<float>()) +
        first * row;
    if (pieces_ > 1) std::fill_n(sums, (last - first) * row, 0.0F);
    float* const grads = scratch_of(1, up(last - first, kLanes) * kPanel);
    float* const inputs = scratch_of(0, up(std::min(channels_, kChannels), kLanes) * kPanel);
    const int64_t end = (piece + 1) * pixels_ / pieces_;
    for (int64_t at = piece * pixels_ / pieces_, count; at < end; at += count) {
      count = std::min(kPixels, end - at);
      set_.pointwise_panels({.x = at_pixel(grad_, at) + first,
                             .step = grad_.stride(3),
                             .pixels = count,
                             .channels = last - first,
                             .panel = kPanel,
                             .to = grads});
      for (int64_t c = 0; c < channels_; c += kChannels) {
        const int64_t some = std::min(kChannels, channels_ - c);
        put_in_panels(at, count, c, some, inputs);
        set_.pointwise_products({.x = inputs,
                                 .grad = grads,
                                 .panel = kPanel,
                                 .pixels = count,
                                 .channels = some,
                                 .filters = last - first,
                                 .sums = sums + c,
                                 .row = row});
      }
    }
  }

  void put_in_panels(int64_t pixel, int64_t count, int64_t channel, int64_t channels, float* to) const {
    PaddedRows how;
    read_through(input_, channel, how);
    set_.pointwise_panels({.x = at_pixel(input_.x, pixel) + channel,
                           .step = input_.x.stride(3),
                           .pixels = count,
                           .channels = channels,
                           .scale = how.scale,
                           .shift = how.shift,
                           .relu = how.relu,
                           .panel = kPanel,
                           .to = to});
  }

  static const float* at_pixel(const Tensor& t, int64_t pixel) {
    return t.data_ptr<float>() + pixel * t.stride(3);
  }

  void add_pieces() const {
    const float* const sums = sums_.data_ptr<float>();
    at::parallel_for(0, filters_, 1, [&](int64_t from, int64_t end) {
      for (int64_t f = from; f < end; ++f)
        for (int64_t piece = 0; piece < pieces_; ++piece) {
          const float* const of = sums + (piece * filters_ + f) * channels_;
          float* const to = into_.data_ptr<float>() + f * into_.stride(0);
          for (int64_t c = 0; c < channels_; ++c) to[c] += of[c];
        }
    });
  }

  const ReadInput& input_;
  const Tensor &grad_, &into_;
  const DirectSet& set_;
  int64_t filters_, channels_, pixels_ = 0, pieces_ = 1, blocks_ = 1, parts_ = 1;
  Tensor sums_;
};

}  // namespace

void pointwise_weight_gradient(const ReadInput& x, const Tensor& grad, const Tensor& weight,
                               const DirectSet& set) {
  PointwiseWeights(x, grad, weight, set).run();
}

}  // namespace lm::cpu
