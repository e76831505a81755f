import { checkChoice, expected } from '../errors.ts';
import { minus, plus, reciprocal, tanh, times } from '../graph/coefficients.ts';
import { lin } from '../graph/functions.ts';
import { uniform } from '../graph/inits.ts';
import type { Coef } from '../graph/node.ts';
import type { Scope } from '../graph/scope.ts';
import type { InitSpec } from '../graph/spec.ts';
import type { Scheme } from '../roles.ts';
import { newest, pair } from './states.ts';

/** Options of `linearTwoStep`. */
export interface LinearTwoStepOptions {
  /** One k per step ('layer', default), or one per channel, [C, 1, 1]. */
  readonly per?: 'layer' | 'channel';
  /** Range of the uniform law that k is drawn from; default [-0.1, 0]. */
  readonly init?: readonly [low: number, high: number];
  /**
   * 'paper' (default) stores k without weight decay; 'official' stores ks = 1 - k and lets weight decay act
   * on it.
   */
  readonly parameterization?: 'paper' | 'official';
  /**
   * 'tanh': k = tanh(a) with `a` stored undecayed, so that |k| < 1 and the scheme stays zero-stable; default
   * 'none'.
   */
  readonly bounded?: 'tanh' | 'none';
  /** 'consistent': (1 + k) f, a first-order method for u' = f(u); default 'none': f, as in the paper. */
  readonly scaling?: 'consistent' | 'none';
}

/**
 * Linear two-step scheme (LM-ResNet): u_{n+1} = (1 - k_n) u_n + k_n u_{n-1} + f_n(u_n), k_n learned. State:
 * [u_n, u_{n-1}], equal shapes [N, C, H, W]. The first step of a stage that has no u_{n-1} is an Euler step
 * without k. It is consistent with (1 + k) u' = f, not with u' = f, so it has no order of its own; with
 * `scaling: 'consistent'` its order is 1. Zero-stable for -1 < k <= 1; invertible where k != 0: u_{n-1} =
 * (u_{n+1} - (1 - k) u_n - f(u_n)) / k, which divides rounding errors by k.
 *
 * Deviation: the released code stores ks = 1 - k ~ U(1, 1.1), on which weight decay pulls towards k = 1; that
 * is `parameterization: 'official'`. The default keeps k in the paper's sign, undecayed. With
 * `bounded: 'tanh'`, a ~ U(atanh low, atanh high): k fills the same range, its density uneven by 1 / (1 -
 * k²), 1 % for the default.
 *
 * @throws ERR_CONFIG for an unknown option value, a range that is none, a range outside (-1, 1) or the
 * official parameterization where k is bounded; ERR_SHAPE when the two states differ in shape.
 * @see Lu, Zhong, Li, Dong, ICML 2018, eq. (1); 2prime/LM-ResNet, MResNet.py. `bounded`, `scaling` and
 *   `invert` are additions.
 * @example
 * const graph = network({ ...config, scheme: linearTwoStep({ per: 'channel' }) });
 */
export function linearTwoStep(options: LinearTwoStepOptions = {}): Scheme {
  const draw = coefficient(options);
  const { scaling = 'none' } = options;
  checkChoice(scaling, ['consistent', 'none'], 'linearTwoStep.scaling');
  const speed = (k: Coef): Coef => (scaling === 'consistent' ? plus(1, k) : 1);
  return {
    name: 'linearTwoStep',
    ...(scaling === 'consistent' ? { order: 1 } : {}),
    enter: (history) => newest(history, 2),
    step([u, prev], field, { s }) {
      const f = field();
      if (prev === undefined) return [lin([1, u], [1, f(u)]), u];
      const k = draw(s, u.channels);
      return [lin([minus(1, k), u], [k, prev], [speed(k), f(u)]), u];
    },
    invert(state, field, { s }) {
      const [next, u] = pair(state, 'linearTwoStep');
      const k = draw(s, u.channels);
      const r = reciprocal(k);
      const f = times(-1, times(speed(k), r));
      return [u, lin([r, next], [minus(1, r), u], [f, field()(u)])];
    },
  };
}

/** How a step draws its k. */
function coefficient(options: LinearTwoStepOptions): (s: Scope, channels: number) => Coef {
  const { per = 'layer', init = [-0.1, 0], parameterization = 'paper', bounded = 'none' } = options;
  checkChoice(per, ['layer', 'channel'], 'linearTwoStep.per');
  checkChoice(parameterization, ['paper', 'official'], 'linearTwoStep.parameterization');
  checkChoice(bounded, ['tanh', 'none'], 'linearTwoStep.bounded');
  const shape = (channels: number): number[] => (per === 'layer' ? [1] : [channels, 1, 1]);
  if (bounded === 'tanh') {
    const law = boundedLaw(init, parameterization);
    return (s, channels) => tanh(s.param('a', shape(channels), law));
  }
  const [low, high] = init;
  const law = parameterization === 'paper' ? uniform(low, high) : uniform(1 - high, 1 - low);
  return (s, channels) => {
    if (parameterization === 'paper') return s.param('k', shape(channels), law);
    return minus(1, s.param('ks', shape(channels), law, { decay: true }));
  };
}

/** Law of a, k = tanh(a). */
function boundedLaw([low, high]: readonly [number, number], parameterization: string): InitSpec {
  if (parameterization !== 'paper')
    throw expected(
      'ERR_CONFIG',
      'paper where k is bounded',
      'linearTwoStep.parameterization',
      parameterization,
    );
  if (!(low > -1 && high < 1))
    throw expected('ERR_CONFIG', 'a range inside (-1, 1) where k is bounded', 'linearTwoStep.init', [
      low,
      high,
    ]);
  return uniform(Math.atanh(low), Math.atanh(high));
}
