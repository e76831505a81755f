import { expected } from '../errors.ts';
import { minus, plus, reciprocal, times } from '../graph/coefficients.ts';
import { lin } from '../graph/functions.ts';
import { constant } from '../graph/inits.ts';
import type { Coef } from '../graph/node.ts';
import type { Scope } from '../graph/scope.ts';
import type { Scheme } from '../roles.ts';
import { newest } from './states.ts';

/** Options of `threeStep`. */
export interface ThreeStepOptions {
  /** Member of the family: c <= -1 or c > 1/3; default -9/5, the published best. */
  readonly c?: number;
  /**
   * True: every step learns its own c, [1], undecayed, from this start; nothing keeps it zero-stable. Default
   * false.
   */
  readonly trained?: boolean;
}

/**
 * Three-step scheme (ZeroSNet): u_{n+1} = a0 u_n + a1 u_{n-1} + a2 u_{n-2} + b0 f_n(u_n) with a0 = 3 (c + 1)
 * / (4c), a1 = -1 / c, a2 = (c + 1) / (4c), b0 = (3c - 1) / (2c); for c = -9/5: 1/3, 5/9, 1/9, 16/9. State:
 * [u_n, u_{n-1}, u_{n-2}], equal shapes; a step that has fewer than three is an Euler step (two of them at
 * the start of a net). Order 2 for every c. Its polynomial is (z - 1)(z² + (c - 3) / (4c) z + (c + 1) /
 * (4c)): zero-stable for c <= -1 and c > 1/3 (c = -1 is the midpoint rule; c = -9/5 has the roots 1, -1/3,
 * -1/3).
 *
 * Deviation: the published net goes on with its history at stage borders, each past state by its own conv1x1;
 * here that is the transition's choice: with one that returns [u] or [u, u_{n-1}] the stage starts with Euler
 * steps.
 *
 * @throws ERR_CONFIG for a c that is not zero-stable; ERR_SHAPE when the states differ in shape.
 * @see Chen, Jin, Shang, "ZeroSNet", 2022; LongJin-lab/ZeroSNet, CIFAR/models/ZeroSNet.py (`trained` is its
 *   ZeroSNet_Tra).
 */
export function threeStep({ c = -9 / 5, trained = false }: ThreeStepOptions = {}): Scheme {
  if (!Number.isFinite(c) || !(c <= -1 || c > 1 / 3))
    throw expected('ERR_CONFIG', 'c <= -1 or c > 1/3, where it is zero-stable', 'threeStep.c', c);
  const draw = (s: Scope): Coef => (trained ? s.param('c', [1], constant(c)) : c);
  return {
    name: 'threeStep',
    order: 2,
    enter: (history) => newest(history, 3),
    step([u, prev, last], field, { s }) {
      const f = field()(u);
      if (prev === undefined) return [lin([1, u], [1, f]), u];
      if (last === undefined) return [lin([1, u], [1, f]), u, prev];
      const { a0, a1, a2, b0 } = coefficients(draw(s));
      return [lin([a0, u], [a1, prev], [a2, last], [b0, f]), u, prev];
    },
  };
}

/** The family by r = 1 / c. */
function coefficients(c: Coef): Readonly<Record<'a0' | 'a1' | 'a2' | 'b0', Coef>> {
  const r = reciprocal(c);
  const sum = plus(1, r);
  return { a0: times(0.75, sum), a1: times(-1, r), a2: times(0.25, sum), b0: minus(1.5, times(0.5, r)) };
}
