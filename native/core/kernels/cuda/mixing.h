// A batch mixed with its own reverse, in place: images i and n - 1 - i change at once, so that no copy is
// made.
#pragma once

#include "core/kernels/cuda/rows.h"

namespace lm::cuda {

// Image i becomes lambda of itself and 1 - lambda of image n - 1 - i.
template <typename M, typename V, int kPack>
struct Blend {
  using A = Wide<V>;
  static constexpr int kPhases = 1;
  using Shared = Nothing;
  using Local = Nothing;

  typename M::template Global<V> x;
  int64_t images, each;  // numbers of an image: whole packs
  A lambda, rest;
  Strip strip;  // of the packs of the first half of the images

  template <int>
  LM_HD void run(const Thread& thread, Shared&, Local&) const {
    const auto blend = [&](int64_t at) {
      const int64_t i = at * kPack, image = i / each, place = i % each;
      const int64_t a = image * each + place, b = (images - 1 - image) * each + place;
      const Pack<V, kPack> own = x.template load<kPack>(a), other = x.template load<kPack>(b);
      Pack<V, kPack> first, second;
      for (int j = 0; j < kPack; ++j) {
        const A u = wide(own.v[j]), v = wide(other.v[j]);
        first.v[j] = narrow<V>(fused(lambda, u, rest * v));
        second.v[j] = narrow<V>(fused(lambda, v, rest * u));
      }
      x.store(a, first);
      x.store(b, second);
    };
    down_strip<1>(strip, thread, blend, blend);
  }
};

// Images i and n - 1 - i of x [n, h, w, c] exchange what is in a box.
template <typename M, typename V>
struct ExchangeBox {
  static constexpr int kPhases = 1;
  using Shared = Nothing;
  using Local = Nothing;

  typename M::template Global<V> x;
  int64_t images, height, width, channels, top, left, box_height, box_width;
  Strip strip;  // of the numbers in the boxes of the first half of the images

  template <int>
  LM_HD void run(const Thread& thread, Shared&, Local&) const {
    const auto exchange = [&](int64_t i) {
      const int64_t line = box_width * channels, in_line = i % line, row = i / line % box_height;
      const int64_t image = i / line / box_height;
      const int64_t place = ((top + row) * width + left) * channels + in_line,
                    each = height * width * channels;
      const int64_t a = image * each + place, b = (images - 1 - image) * each + place;
      const V own = x.get(a);
      x.set(a, x.get(b));
      x.set(b, own);
    };
    down_strip<1>(strip, thread, exchange, exchange);
  }
};

}  // namespace lm::cuda
