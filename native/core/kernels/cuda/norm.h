// Batch norm and its relu over rows of channels: one pass for the statistics, one for the result, and as many
// backwards. V is the type of the values; all else is of the wide type.
#pragma once

#include "core/kernels/cuda/sums.h"

namespace lm::cuda {

// What a norm reads of its channels; weight and bias may be missing: 1 and 0. The deviation is the inverse
// one, or with `by_variance` a variance.
template <typename M, typename V>
struct Affine {
  using A = Wide<V>;
  typename M::template Global<const A> weight, bias, mean, deviation;
  bool by_variance, relu;
  double eps;

  LM_HD A inverse(int64_t c) const {
    const A d = deviation.get(c);
    return by_variance ? static_cast<A>(1 / std::sqrt(d + static_cast<A>(eps))) : d;
  }
  LM_HD A scale(int64_t c) const { return (weight.defined() ? weight.get(c) : A(1)) * inverse(c); }
  LM_HD A shift(int64_t c, A scale) const {
    return fused(-mean.get(c), scale, bias.defined() ? bias.get(c) : A(0));
  }
};

// Of a thread's channels.
template <typename A, int kPack>
struct Lines {
  A scale[kPack], shift[kPack];

  template <typename Affine>
  LM_HD Lines(const Affine& affine, int64_t channel) {
    for (int j = 0; j < kPack; ++j) {
      scale[j] = affine.scale(channel + j);
      shift[j] = affine.shift(channel + j, scale[j]);
    }
  }
  LM_HD A at(A x, int j) const { return fused(x, scale[j], shift[j]); }
};

// Sums of x - centre and of its square, about the first row, so that no digits cancel.
template <typename M, typename V, int kPackSize>
struct Moments {
  using Number = Wide<V>;
  static constexpr int kPack = kPackSize, kSums = 2;
  struct Columns {
    Number centre[kPack];
  };

  typename M::template Global<const V> x;

  LM_HD Columns columns(int64_t channel) const {
    Columns c;
    const Pack<V, kPack> first = x.template load<kPack>(channel);
    for (int j = 0; j < kPack; ++j) c.centre[j] = wide(first.v[j]);
    return c;
  }
  LM_HD void add(int64_t i, const Columns& c, Number (&sums)[kSums][kPack]) const {
    const Pack<V, kPack> pack = x.template load<kPack>(i);
    for (int j = 0; j < kPack; ++j) {
      const Number d = wide(pack.v[j]) - c.centre[j];
      sums[0][j] += d;
      sums[1][j] = fused(d, d, sums[1][j]);
    }
  }
};

// The statistics of the batch, which move the running ones.
template <typename M, typename V>
struct FinishMoments {
  using Number = Wide<V>;
  static constexpr int kSums = 2;

  typename M::template Global<const V> x;
  typename M::template Global<Number> mean, invstd, running_mean, running_var;
  double rows, eps, momentum;

  LM_HD void operator()(int64_t c, const double (&sums)[kSums]) const {
    const double shifted = sums[0] / rows;
    const double average = static_cast<double>(wide(x.get(c))) + shifted;
    const double spread = sums[1] / rows - shifted * shifted;
    const double var = spread < 0 ? 0 : spread;  // NaN stays
    mean.set(c, static_cast<Number>(average));
    invstd.set(c, static_cast<Number>(1 / std::sqrt(var + eps)));
    move(running_mean, c, average);
    move(running_var, c, var * rows / (rows - 1));
  }

 private:
  LM_HD void move(const typename M::template Global<Number>& running, int64_t c, double to) const {
    running.set(c, static_cast<Number>((1 - momentum) * static_cast<double>(running.get(c)) + momentum * to));
  }
};

// out = x scale + shift, or relu of that.
template <typename M, typename V, int kPack>
struct ApplyNorm {
  static constexpr int kPhases = 1;
  using Shared = Nothing;
  using Local = Nothing;

  typename M::template Global<const V> x;
  typename M::template Global<V> out;
  Affine<M, V> affine;
  Tiles tiles;

  template <int>
  LM_HD void run(const Thread& thread, Shared&, Local&) const {
    const InTile at(tiles, thread, kPack);
    if (at.channel >= tiles.channels) return;
    const Lines<Wide<V>, kPack> lines(affine, at.channel);
    for (int64_t row = at.first; row < at.end; row += tiles.down()) {
      const int64_t i = row * tiles.channels + at.channel;
      Pack<V, kPack> pack = x.template load<kPack>(i);
      for (int j = 0; j < kPack; ++j) {
        const Wide<V> y = lines.at(wide(pack.v[j]), j);
        pack.v[j] = narrow<V>(affine.relu && y <= 0 ? Wide<V>(0) : y);  // NaN stays NaN, as in relu
      }
      out.store(i, pack);
    }
  }
};

// With g the gradient after the relu: sums of g and of g (x - mean).
template <typename M, typename V, int kPackSize>
struct GradientSums {
  using Number = Wide<V>;
  static constexpr int kPack = kPackSize, kSums = 2;
  struct Columns {
    Lines<Number, kPack> lines;
    Number mean[kPack];
  };

  typename M::template Global<const V> x, grad;
  Affine<M, V> affine;

  LM_HD Columns columns(int64_t channel) const {
    Columns c{{affine, channel}, {}};
    for (int j = 0; j < kPack; ++j) c.mean[j] = affine.mean.get(channel + j);
    return c;
  }
  LM_HD void add(int64_t i, const Columns& c, Number (&sums)[kSums][kPack]) const {
    const Pack<V, kPack> xs = x.template load<kPack>(i), gs = grad.template load<kPack>(i);
    for (int j = 0; j < kPack; ++j) {
      const Number at = wide(xs.v[j]);
      const Number g = affine.relu && c.lines.at(at, j) <= 0 ? Number(0) : wide(gs.v[j]);
      sums[0][j] += g;
      sums[1][j] = fused(g, at - c.mean[j], sums[1][j]);
    }
  }
};

// Adds to the gradients of weight and bias, and finds what the gradient of x is made with: with m rows
//   slope = scale invstd^2 sum(g (x - mean)) / m, offset = scale sum(g) / m.
template <typename M, typename V>
struct FinishGradient {
  using Number = Wide<V>;
  static constexpr int kSums = 2;

  Affine<M, V> affine;
  typename M::template Global<Number> weight, bias, slope, offset;  // the first two where they are wanted
  double rows;

  LM_HD void operator()(int64_t c, const double (&sums)[kSums]) const {
    const auto invstd = static_cast<double>(affine.inverse(c)), scale = static_cast<double>(affine.scale(c));
    add(weight, c, sums[1] * invstd);
    add(bias, c, sums[0]);
    slope.set(c, static_cast<Number>(scale * invstd * invstd * sums[1] / rows));
    offset.set(c, static_cast<Number>(scale * sums[0] / rows));
  }

 private:
  LM_HD void add(const typename M::template Global<Number>& to, int64_t c, double what) const {
    if (to.defined()) to.set(c, to.get(c) + static_cast<Number>(what));
  }
};

// out = scale g - (x - mean) slope - offset; out may be grad.
template <typename M, typename V, int kPack>
struct NormGradient {
  using A = Wide<V>;
  static constexpr int kPhases = 1;
  using Shared = Nothing;
  using Local = Nothing;

  typename M::template Global<const V> x, grad;
  typename M::template Global<V> out;
  Affine<M, V> affine;
  typename M::template Global<const A> slope, offset;
  Tiles tiles;

  template <int>
  LM_HD void run(const Thread& thread, Shared&, Local&) const {
    const InTile at(tiles, thread, kPack);
    if (at.channel >= tiles.channels) return;
    const Lines<A, kPack> lines(affine, at.channel);
    A by[kPack], rest[kPack];  // out = scale g - x slope + rest
    for (int j = 0; j < kPack; ++j) {
      by[j] = slope.get(at.channel + j);
      rest[j] = fused(affine.mean.get(at.channel + j), by[j], -offset.get(at.channel + j));
    }
    for (int64_t row = at.first; row < at.end; row += tiles.down()) {
      const int64_t i = row * tiles.channels + at.channel;
      const Pack<V, kPack> xs = x.template load<kPack>(i);
      Pack<V, kPack> gs = grad.template load<kPack>(i);
      for (int j = 0; j < kPack; ++j) {
        const A of = wide(xs.v[j]);
        const A g = affine.relu && lines.at(of, j) <= 0 ? A(0) : wide(gs.v[j]);
        gs.v[j] = narrow<V>(fused(g, lines.scale[j], fused(-of, by[j], rest[j])));
      }
      out.store(i, gs);
    }
  }
};

}  // namespace lm::cuda
