import { expected } from '../errors.ts';
import * as random from '../graph/random.ts';
import type { Noise } from '../roles.ts';

/** Options of `gaussianNoise`. */
export interface GaussianNoiseOptions {
  /** Standard deviation, >= 0, in the units of f; 0: none. */
  readonly std: number;
}

/**
 * Gaussian noise injection: f(u) + std · epsilon, epsilon ~ N(0, 1) for every element and image, in training;
 * f(u) in evaluation. All evaluations of one f in a training step add the same noise.
 *
 * @throws ERR_CONFIG for a deviation that is negative or not finite.
 * @see Lu et al., ICML 2018, section 3 (noise as stochastic control); Wang et al., "ResNets ensemble via the
 *   Feynman-Kac formalism", 2019.
 */
export function gaussianNoise({ std }: GaussianNoiseOptions): Noise {
  if (!(std >= 0 && Number.isFinite(std)))
    throw expected('ERR_CONFIG', 'a finite deviation >= 0', 'gaussianNoise.std', std);
  return (fresh) => {
    const f = fresh();
    return std === 0 ? f : (u) => random.gaussianNoise(f(u), std);
  };
}
