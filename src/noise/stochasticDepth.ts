import { checkChoice, expected } from '../errors.ts';
import { bernoulli, type DrawPer, mix } from '../graph/random.ts';
import type { At, Noise } from '../roles.ts';

/** Options of `stochasticDepth`. */
export interface StochasticDepthOptions {
  /** Probability p_L that the last f stays, in [0, 1]; default 0.5. */
  readonly last?: number;
  /** 'linear' (default): from 1 down to p_L over the depth; 'constant': p_L everywhere. */
  readonly rule?: 'linear' | 'constant';
  /** Depth of step n of N in the linear rule: 'i/(N-1)' (default) is n / (N - 1), 'l/L' is (n + 1) / N. */
  readonly index?: 'i/(N-1)' | 'l/L';
  /**
   * 'train' (default): a kept f is divided by its p in training; 'test': it is multiplied by p in evaluation.
   */
  readonly scale?: 'train' | 'test';
  /**
   * 'batch' (default): one gate for the mini-batch, and a dropped f is not computed; 'sample': one per image.
   */
  readonly per?: DrawPer;
}

/**
 * Stochastic depth: f_n is replaced by eta_n f_n, eta_n ~ Bernoulli(p_n), with p_n = 1 - depth_n (1 - p_L).
 * Only f is dropped: shortcuts, projections and every history term of a scheme stay, so that LM gives (1 - k)
 * u_n + k u_{n-1} + eta_n f(u_n). Step n of N counts the steps of the whole net, transitions included. Under
 * 'i/(N-1)', the official LM code's, the first f is never dropped (p_0 = 1: no gate is made) and the last
 * stays with p_L; under 'l/L', Huang's with l = 1..L, the first stays with 1 - (1 - p_L) / L. All evaluations
 * of one f in a training step share its gate; every f of a step has its own.
 *
 * @throws ERR_CONFIG for a probability outside [0, 1] or an unknown option value.
 * @see Huang et al., "Deep networks with stochastic depth", 2016 (l/L, scale 'test'); 2prime/LM-ResNet,
 * MResNet.py (i/(N-1), 'train'); Lu et al., ICML 2018, section 3: p_L = 0.8 for LM-ResNet-56, 0.5 for
 * LM-ResNet-110.
 * @example
 * const graph = network({ ...config, noise: stochasticDepth({ last: 0.8 }) });
 */
export function stochasticDepth(options: StochasticDepthOptions = {}): Noise {
  const { scale = 'train', per = 'batch' } = options;
  checkChoice(scale, ['train', 'test'], 'stochasticDepth.scale');
  checkChoice(per, ['batch', 'sample'], 'stochasticDepth.per');
  const keepAt = survival(options);
  return (fresh, at) => {
    const f = fresh();
    const keep = keepAt(at);
    return keep === 1 ? f : (u) => mix([f(u)], bernoulli({ keep, scale, per }));
  };
}

/** Probability that f stays, by the step's place. */
function survival(options: StochasticDepthOptions): (at: At) => number {
  const { last = 0.5, rule = 'linear', index = 'i/(N-1)' } = options;
  if (!(last >= 0 && last <= 1))
    throw expected('ERR_CONFIG', 'a number in [0, 1]', 'stochasticDepth.last', last);
  checkChoice(rule, ['linear', 'constant'], 'stochasticDepth.rule');
  checkChoice(index, ['i/(N-1)', 'l/L'], 'stochasticDepth.index');
  if (rule === 'constant') return () => last;
  const depth = ({ n, N }: At): number => (index === 'l/L' ? (n + 1) / N : n / Math.max(N - 1, 1));
  return (at) => 1 - depth(at) * (1 - last);
}
