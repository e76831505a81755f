// Linear combinations, and what their coefficients' gradients are summed of.
#pragma once

#include "core/kernels/cuda/sums.h"

namespace lm::cuda {

constexpr int kMostTerms = 4;

// One term: a number, or numbers on the device, one in all or one for each channel of channels-last values.
template <typename M, typename V>
struct Factor {
  using A = Wide<V>;
  typename M::template Global<const A> tensor;
  A number;
  int64_t channels;  // 0: one for all

  LM_HD A at(int64_t i) const {
    if (!tensor.defined()) return number;
    return tensor.get(channels == 0 ? 0 : i % channels);
  }
};

// out = sum of factor u.
template <typename M, typename V, int kTerms>
struct Combine {
  static constexpr int kPhases = 1, kPack = kFullPack<V>;
  using Shared = Nothing;
  using Local = Nothing;

  typename M::template Global<const V> u[kTerms];
  Factor<M, V> factor[kTerms];
  typename M::template Global<V> out;
  Strip strip;

  template <int>
  LM_HD void run(const Thread& thread, Shared&, Local&) const {
    down_strip<kPack>(
        strip, thread, [&](int64_t i) { combine<kPack>(i); }, [&](int64_t i) { combine<1>(i); });
  }

 private:
  template <int kCount>
  LM_HD void combine(int64_t i) const {
    Wide<V> sums[kCount] = {};
    for (int t = 0; t < kTerms; ++t) {
      const Pack<V, kCount> pack = u[t].template load<kCount>(i);
      const Wide<V> common = factor[t].channels == 0 ? factor[t].at(0) : 0;
      for (int j = 0; j < kCount; ++j)
        sums[j] = fused(wide(pack.v[j]), factor[t].channels == 0 ? common : factor[t].at(i + j), sums[j]);
    }
    Pack<V, kCount> result;
    for (int j = 0; j < kCount; ++j) result.v[j] = narrow<V>(sums[j]);
    out.store(i, result);
  }
};

// Sum of a b over everything.
template <typename M, typename V>
struct Products {
  using Number = Wide<V>;
  static constexpr int kPack = kFullPack<V>, kSums = 1;

  typename M::template Global<const V> a, b;

  template <int kCount>
  LM_HD void add(int64_t i, Number (&sums)[kSums]) const {
    const Pack<V, kCount> x = a.template load<kCount>(i), y = b.template load<kCount>(i);
    for (int j = 0; j < kCount; ++j) sums[0] = fused(wide(x.v[j]), wide(y.v[j]), sums[0]);
  }
};

// Of a combination's terms: into = factor grad, and the sum of grad u, where they are wanted.
template <typename M, typename V, int kTerms>
struct TermGradients {
  using Number = Wide<V>;
  static constexpr int kPack = kFullPack<V>, kSums = kTerms;

  typename M::template Global<const V> grad, u[kTerms];  // u where its sum is wanted
  typename M::template Global<V> into[kTerms];
  Factor<M, V> factor[kTerms];

  template <int kCount>
  LM_HD void add(int64_t i, Number (&sums)[kSums]) const {
    const Pack<V, kCount> g = grad.template load<kCount>(i);
    for (int t = 0; t < kTerms; ++t) {
      if (u[t].defined()) {
        const Pack<V, kCount> x = u[t].template load<kCount>(i);
        for (int j = 0; j < kCount; ++j) sums[t] = fused(wide(g.v[j]), wide(x.v[j]), sums[t]);
      }
      if (!into[t].defined()) continue;
      Pack<V, kCount> scaled;
      const Number common = factor[t].channels == 0 ? factor[t].at(0) : 0;
      for (int j = 0; j < kCount; ++j)
        scaled.v[j] = narrow<V>(wide(g.v[j]) * (factor[t].channels == 0 ? common : factor[t].at(i + j)));
      into[t].store(i, scaled);
    }
  }
};

// into[t] += totals, each a number of its own, where it is wanted.
template <typename M, typename V, int kTerms>
struct AddTotals {
  using Number = Wide<V>;
  static constexpr int kSums = kTerms;

  typename M::template Global<Number> into[kTerms];

  LM_HD void operator()(int64_t, const double (&sums)[kSums]) const {
    for (int t = 0; t < kTerms; ++t)
      if (into[t].defined()) into[t].set(0, into[t].get(0) + static_cast<Number>(sums[t]));
  }
};

// Sum of a b for every channel.
template <typename M, typename V, int kPackSize>
struct ChannelProducts {
  using Number = Wide<V>;
  static constexpr int kPack = kPackSize, kSums = 1;
  using Columns = Nothing;

  typename M::template Global<const V> a, b;

  LM_HD Columns columns(int64_t) const { return {}; }
  LM_HD void add(int64_t i, const Columns&, Number (&sums)[kSums][kPack]) const {
    const Pack<V, kPack> x = a.template load<kPack>(i), y = b.template load<kPack>(i);
    for (int j = 0; j < kPack; ++j) sums[0][j] = fused(wide(x.v[j]), wide(y.v[j]), sums[0][j]);
  }
};

// into[c] += total.
template <typename M, typename V>
struct AddTotal {
  using Number = Wide<V>;
  static constexpr int kSums = 1;

  typename M::template Global<Number> into;

  LM_HD void operator()(int64_t c, const double (&sums)[kSums]) const {
    into.set(c, into.get(c) + static_cast<Number>(sums[0]));
  }
};

}  // namespace lm::cuda
