// Pixels -> the network's input, in channels-last.
#pragma once

#include "core/kernels/cuda/rows.h"

namespace lm::cuda {

constexpr int kMostChannels = 16;

// out = pixel scale + shift, the factors by channel.
template <typename M, typename V>
struct Normalise {
  using A = Wide<V>;
  static constexpr int kPhases = 1, kPack = 8;
  using Shared = Nothing;
  using Local = Nothing;

  typename M::template Global<const uint8_t> pixels;
  typename M::template Global<V> out;
  A scale[kMostChannels], shift[kMostChannels];
  int channels;
  Strip strip;

  template <int>
  LM_HD void run(const Thread& thread, Shared&, Local&) const {
    down_strip<kPack>(
        strip, thread, [&](int64_t i) { convert<kPack>(i); }, [&](int64_t i) { convert<1>(i); });
  }

 private:
  // Halves are stored in packs of 16 bytes; of wider types the compiler makes several moves.
  template <int kCount>
  LM_HD void convert(int64_t i) const {
    const Pack<uint8_t, kCount> from = pixels.template load<kCount>(i);
    constexpr int kStored = kCount < kFullPack<V> ? kCount : kFullPack<V>;
    int channel = static_cast<int>(i % channels);
    for (int done = 0; done < kCount; done += kStored) {
      Pack<V, kStored> to;
      for (int j = 0; j < kStored; ++j) {
        to.v[j] = narrow<V>(fused(static_cast<A>(from.v[done + j]), scale[channel], shift[channel]));
        channel = channel + 1 == channels ? 0 : channel + 1;
      }
      out.store(i + done, to);
    }
  }
};

}  // namespace lm::cuda
