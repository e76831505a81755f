// A batch mixed with its own reverse, in place: images i and n - 1 - i change at once, so that no copy is
// made. What is drawn for the batch is read on the device.
#pragma once

#include "core/kernels/cuda/rows.h"

namespace lm::cuda {

// x [n, h, w, c] by numbers [5]: share, top, bottom, left and right of a box. Images exchange what is in the
// box; elsewhere image i becomes `share` of itself and the rest of image n - 1 - i.
template <typename M, typename V, int kPack>
struct MixImages {
  using A = Wide<V>;
  static constexpr int kPhases = 1;
  using Shared = Nothing;
  using Local = Nothing;

  typename M::template Global<V> x;
  typename M::template Global<const double> numbers;
  int64_t images, height, width, channels;
  Strip strip;  // of the packs of the first half of the images

  template <int>
  LM_HD void run(const Thread& thread, Shared&, Local&) const {
    const double share = numbers.get(0);
    const Box box{at(1), at(2), at(3), at(4)};
    if (share == 1 && box.is_empty()) return;
    const A own = static_cast<A>(share), rest = static_cast<A>(1 - share);
    const auto mix = [&](int64_t pack) { this->mix(pack * kPack, share != 1, own, rest, box); };
    down_strip<1>(strip, thread, mix, mix);
  }

 private:
  struct Box {
    int64_t top, bottom, left, right;

    LM_HD bool is_empty() const { return bottom <= top || right <= left; }
    LM_HD bool has(int64_t row, int64_t column) const {
      return row >= top && row < bottom && column >= left && column < right;
    }
  };

  LM_HD int64_t at(int64_t i) const { return static_cast<int64_t>(numbers.get(i)); }

  // Number i of the first half of the images and its neighbours, with their partners.
  LM_HD void mix(int64_t i, bool blends, A own, A rest, const Box& box) const {
    const int64_t each = height * width * channels, image = i / each, place = i % each;
    bool inside[kPack];
    bool any = blends;
    for (int j = 0; j < kPack; ++j) {
      const int64_t pixel = (place + j) / channels;
      inside[j] = !box.is_empty() && box.has(pixel / width, pixel % width);
      any = any || inside[j];
    }
    if (!any) return;
    const int64_t a = image * each + place, b = (images - 1 - image) * each + place;
    Pack<V, kPack> first = x.template load<kPack>(a), second = x.template load<kPack>(b);
    for (int j = 0; j < kPack; ++j) {
      const V one = first.v[j], other = second.v[j];
      const A u = wide(one), v = wide(other);
      if (inside[j]) {
        first.v[j] = other;
        second.v[j] = one;
      } else if (blends) {
        first.v[j] = narrow<V>(fused(own, u, rest * v));
        second.v[j] = narrow<V>(fused(own, v, rest * u));
      }
    }
    x.store(a, first);
    x.store(b, second);
  }
};

}  // namespace lm::cuda
