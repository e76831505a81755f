import { expected } from '../errors.ts';
import { type Coef, minus } from '../graph/coefficients.ts';
import { lin } from '../graph/functions.ts';
import { uniform } from '../graph/inits.ts';
import type { Scope } from '../graph/scope.ts';
import type { Scheme } from '../roles.ts';

/** Options of `linearTwoStep`. */
export interface LinearTwoStepOptions {
  /** One k per step ('layer', default), or one per channel, [C, 1, 1]. */
  readonly per?: 'layer' | 'channel';
  /** Range of the uniform law that k is drawn from; default [-0.1, 0]. */
  readonly init?: readonly [low: number, high: number];
  /** 'paper' (default) stores k without weight decay; 'official' stores ks = 1 - k and lets weight decay act on it. */
  readonly parameterization?: 'paper' | 'official';
}

/**
 * Linear two-step scheme (LM-ResNet): u_{n+1} = (1 - k_n) u_n + k_n u_{n-1} + f_n(u_n), k_n learned.
 * State: [u_n, u_{n-1}], equal shapes [N, C, H, W]. The first step of a stage that has no u_{n-1} is an Euler step without k.
 * It is consistent with (1 + k) u' = f, not with u' = f, so it has no order of its own.
 *
 * Deviation: the released code stores ks = 1 - k ~ U(1, 1.1), on which weight decay pulls towards k = 1;
 * that is `parameterization: 'official'`. The default keeps k in the paper's sign, undecayed.
 *
 * @throws ERR_CONFIG for an unknown option value or a range that is none; ERR_SHAPE when the two states differ in shape.
 * @see Lu, Zhong, Li, Dong, ICML 2018, eq. (1); 2prime/LM-ResNet, MResNet.py.
 * @example
 * const graph = network({ ...config, scheme: linearTwoStep({ per: 'channel' }) });
 */
export function linearTwoStep(options: LinearTwoStepOptions = {}): Scheme {
  const draw = coefficient(options);
  return {
    name: 'linearTwoStep',
    enter: (history) => history,
    step([u, prev], field, { s }) {
      const f = field();
      if (prev === undefined) return [lin([1, u], [1, f(u)]), u];
      const k = draw(s, u.channels);
      return [lin([minus(1, k), u], [k, prev], [1, f(u)]), u];
    },
  };
}

/** How a step draws its k. */
function coefficient(options: LinearTwoStepOptions): (s: Scope, channels: number) => Coef {
  const { per = 'layer', init = [-0.1, 0], parameterization = 'paper' } = options;
  oneOf(per, ['layer', 'channel'], 'per');
  oneOf(parameterization, ['paper', 'official'], 'parameterization');
  const [low, high] = init;
  const law = parameterization === 'paper' ? uniform(low, high) : uniform(1 - high, 1 - low);
  return (s, channels) => {
    const shape = per === 'layer' ? [1] : [channels, 1, 1];
    if (parameterization === 'paper') return s.param('k', shape, law);
    return minus(1, s.param('ks', shape, law, { decay: true }));
  };
}

function oneOf(value: string, known: readonly string[], name: string): void {
  if (!known.includes(value))
    throw expected('ERR_CONFIG', `one of ${known.join(', ')}`, `linearTwoStep.${name}`, value);
}
