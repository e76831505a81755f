// Elementwise draws, each image from its own stream: the numbers of core/rng.h, of which value i of a stream
// is a hash of its key and i, so that every thread finds its own.
#pragma once

#include "core/kernels/cuda/rows.h"

namespace lm::cuda {

// Value i of a stream, from 1: Rng::next.
LM_HD uint64_t value_of(uint64_t key, uint64_t i) {
  uint64_t z = key + i * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

LM_HD double uniform_of(uint64_t key, uint64_t i) {
  return static_cast<double>(value_of(key, i) >> 11) * 0x1.0p-53;
}

// 1 / (1 - p) with probability 1 - p, else 0: a value is kept where its 53 bits are below a bound.
template <typename M, typename V>
struct DropoutMask {
  static constexpr int kPhases = 1;
  using Shared = Nothing;
  using Local = Nothing;

  typename M::template Global<const uint64_t> keys;  // of every image
  typename M::template Global<V> out;
  int64_t each;  // numbers of an image
  uint64_t bound;
  Wide<V> kept;
  Strip strip;

  template <int>
  LM_HD void run(const Thread& thread, Shared&, Local&) const {
    const auto draw = [&](int64_t i) {
      const uint64_t value = value_of(keys.get(i / each), static_cast<uint64_t>(i % each) + 1) >> 11;
      out.set(i, narrow<V>(value < bound ? kept : Wide<V>(0)));
    };
    down_strip<1>(strip, thread, draw, draw);
  }
};

// Normal numbers, two from two values of a stream.
template <typename M, typename V>
struct Gaussian {
  static constexpr int kPhases = 1;
  using Shared = Nothing;
  using Local = Nothing;

  typename M::template Global<const uint64_t> keys;
  typename M::template Global<V> out;
  int64_t each;
  double deviation;
  Strip strip;  // of pairs; an image has up(each, 2) of them

  template <int>
  LM_HD void run(const Thread& thread, Shared&, Local&) const {
    const auto draw = [&](int64_t pair) {
      const int64_t pairs = up(each, 2), image = pair / pairs, first = pair % pairs * 2;
      const uint64_t key = keys.get(image);
      const double radius = std::sqrt(-2 * std::log(1 - uniform_of(key, static_cast<uint64_t>(first) + 1)));
      const double angle = 2 * 3.141592653589793 * uniform_of(key, static_cast<uint64_t>(first) + 2);
      const auto set = [&](int64_t j, double number) {
        out.set(image * each + j, narrow<V>(static_cast<Wide<V>>(deviation * (radius * number))));
      };
      set(first, std::cos(angle));
      if (first + 1 < each) set(first + 1, std::sin(angle));
    };
    down_strip<1>(strip, thread, draw, draw);
  }
};

}  // namespace lm::cuda
