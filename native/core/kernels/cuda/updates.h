// What optimisers do with whole sets of weights, which lie flat, in one pass. The group whose factors a
// number takes is known for every piece of kPiece of them: no tensor shares one with another. What may change
// from step to step is read on the device, so that a captured step finds the next numbers there.
#pragma once

#include "core/kernels/cuda/rows.h"

namespace lm::cuda {

constexpr int kPiece = 16;

template <typename M, typename V>
struct WeightSets {
  typename M::template Global<V> weights, gradient, momentum, second;
};

// Numbers of a step, each alone.
template <typename M>
struct StepNumbers {
  typename M::template Global<const double> count, lr, momentum, decay;
  typename M::template Global<const float> skip;
};

// g <- gradient + decay p; m <- momentum m + (1 - dampening) g, but g itself in a first step with dampening;
// p <- p - lr (m or, with Nesterov, g + momentum m). Without momentum m stays as it is, and g is taken for
// it.
template <typename M, typename V>
struct SgdRule {
  using A = Wide<V>;
  enum { kMomentum, kKeep, kTake, kOwn };

  double dampening;
  bool nesterov, bare;  // bare: with neither decay nor momentum

  LM_HD double decay(const StepNumbers<M>& step) const { return bare ? 0 : step.decay.get(0); }

  LM_HD void find(const StepNumbers<M>& step, A (&own)[kOwn]) const {
    const bool is_first = dampening != 0 && step.count.get(0) == 0;
    own[kMomentum] = static_cast<A>(bare ? 0 : step.momentum.get(0));
    own[kKeep] = is_first ? A(0) : own[kMomentum];
    own[kTake] = static_cast<A>(is_first ? 1 : 1 - dampening);
  }

  template <int kCount>
  LM_HD void move(const WeightSets<M, V>& sets, int64_t i, A lr, A decay, const A (&own)[kOwn]) const {
    const A momentum = own[kMomentum];
    Pack<V, kCount> p = sets.weights.template load<kCount>(i), m{};
    const Pack<V, kCount> gradient = sets.gradient.template load<kCount>(i);
    if (momentum != 0) m = sets.momentum.template load<kCount>(i);
    for (int j = 0; j < kCount; ++j) {
      const A g = fused(decay, wide(p.v[j]), wide(gradient.v[j]));
      A step = g;
      if (momentum != 0) {
        const A next = fused(own[kKeep], wide(m.v[j]), own[kTake] * g);
        m.v[j] = narrow<V>(next);
        step = nesterov ? fused(momentum, next, g) : next;
      }
      p.v[j] = narrow<V>(fused(-lr, step, wide(p.v[j])));
    }
    if (momentum != 0) sets.momentum.store(i, m);
    sets.weights.store(i, p);
  }
};

// m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2; u = m' / (sqrt(v') + eps) + decay p, m' and
// v' without their bias. p <- p - lr u; or, unless it `moves`, u takes the place of the gradient.
template <typename M, typename V>
struct AdamRule {
  using A = Wide<V>;
  enum { kKeep, kTake, kScale1, kScale2, kOwn };

  double beta2, eps;
  bool moves;

  LM_HD double decay(const StepNumbers<M>& step) const { return step.decay.get(0); }

  LM_HD void find(const StepNumbers<M>& step, A (&own)[kOwn]) const {
    const double count = step.count.get(0) + 1, beta1 = step.momentum.get(0);
    own[kKeep] = static_cast<A>(beta1);
    own[kTake] = static_cast<A>(1 - beta1);
    own[kScale1] = static_cast<A>(1 / (1 - std::pow(beta1, count)));
    own[kScale2] = static_cast<A>(1 / std::sqrt(1 - std::pow(beta2, count)));
  }

  template <int kCount>
  LM_HD void move(const WeightSets<M, V>& sets, int64_t i, A lr, A decay, const A (&own)[kOwn]) const {
    const A keep = static_cast<A>(beta2), take = static_cast<A>(1 - beta2), least = static_cast<A>(eps);
    Pack<V, kCount> p = sets.weights.template load<kCount>(i), g = sets.gradient.template load<kCount>(i),
                    m = sets.momentum.template load<kCount>(i), v = sets.second.template load<kCount>(i);
    for (int j = 0; j < kCount; ++j) {
      const A gradient = wide(g.v[j]), first = fused(own[kKeep], wide(m.v[j]), own[kTake] * gradient),
              second = fused(keep, wide(v.v[j]), take * gradient * gradient);
      m.v[j] = narrow<V>(first);
      v.v[j] = narrow<V>(second);
      const A size = fused(std::sqrt(second), own[kScale2], least);
      // Not 0 / 0 between two tensors, where eps is 0.
      const A u = fused(decay, wide(p.v[j]), first == 0 ? A(0) : first * own[kScale1] / size);
      if (moves)
        p.v[j] = narrow<V>(fused(-lr, u, wide(p.v[j])));
      else
        g.v[j] = narrow<V>(u);
    }
    sets.momentum.store(i, m);
    sets.second.store(i, v);
    moves ? sets.weights.store(i, p) : sets.gradient.store(i, g);
  }
};

// A rule over the sets: thread 0 of a block finds the numbers of the step.
template <typename M, typename V, typename Rule>
struct UpdateWeights {
  using A = Wide<V>;
  static constexpr int kPhases = 2;
  enum { kRate, kDecay, kSkipped, kRule, kNumbers = kRule + Rule::kOwn };
  struct Shared {
    typename M::template Shared<A, kNumbers> numbers;
  };
  using Local = Nothing;

  WeightSets<M, V> sets;
  StepNumbers<M> step;
  typename M::template Global<const int16_t> group_of;  // of every piece; below 0: it stays as it is
  typename M::template Global<const A> scales;          // [groups, 2]: of the learning rate, of the decay
  Rule rule;
  Strip strip;

  template <int kPhase>
  LM_HD void run(const Thread& thread, Shared& shared, Local&) const {
    if constexpr (kPhase == 0) {
      if (thread.index == 0) find_numbers(shared);
    }
    if constexpr (kPhase == 1) {
      if (shared.numbers.get(kSkipped) != 0) return;
      A own[Rule::kOwn];
      for (int n = 0; n < Rule::kOwn; ++n) own[n] = shared.numbers.get(kRule + n);
      const A rate = shared.numbers.get(kRate), decay = shared.numbers.get(kDecay);
      down_strip<kFullPack<V>>(
          strip, thread, [&](int64_t i) { move<kFullPack<V>>(i, rate, decay, own); },
          [&](int64_t i) { move<1>(i, rate, decay, own); });
    }
  }

 private:
  LM_HD void find_numbers(Shared& shared) const {
    A own[Rule::kOwn];
    rule.find(step, own);
    for (int n = 0; n < Rule::kOwn; ++n) shared.numbers.set(kRule + n, own[n]);
    shared.numbers.set(kRate, static_cast<A>(step.lr.get(0)));
    shared.numbers.set(kDecay, static_cast<A>(rule.decay(step)));
    shared.numbers.set(kSkipped, step.skip.get(0) != 0 ? A(1) : A(0));
  }

  template <int kCount>
  LM_HD void move(int64_t i, A rate, A decay, const A (&own)[Rule::kOwn]) const {
    const int64_t group = group_of.get(i / kPiece);
    if (group < 0) return;
    rule.template move<kCount>(sets, i, rate * scales.get(2 * group), decay * scales.get(2 * group + 1), own);
  }
};

}  // namespace lm::cuda
