import { expected } from '../errors.ts';
import * as random from '../graph/random.ts';
import type { Noise } from '../roles.ts';

/** Options of `dropout`. */
export interface DropoutOptions {
  /** Probability that an element is dropped, in [0, 1); 0: none. */
  readonly p: number;
}

/**
 * Dropout on the values of f: elements are zero with probability p and divided by 1 - p otherwise, in
 * training; f(u) in evaluation. All evaluations of one f in a training step share the mask. Dropout inside a
 * block (Wide ResNet) is the block's business.
 *
 * @throws ERR_CONFIG for p outside [0, 1).
 * @see Srivastava et al., "Dropout", 2014, inverted as in PyTorch.
 */
export function dropout({ p }: DropoutOptions): Noise {
  if (!(p >= 0 && p < 1)) throw expected('ERR_CONFIG', 'a number in [0, 1)', 'dropout.p', p);
  return (fresh) => {
    const f = fresh();
    return p === 0 ? f : (u) => random.dropout(f(u), p);
  };
}
