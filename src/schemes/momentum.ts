import { expected } from '../errors.ts';
import { lin } from '../graph/functions.ts';
import type { Scheme } from '../roles.ts';
import { pair } from './states.ts';

/** Options of `momentum`. */
export interface MomentumOptions {
  /** Share of the velocity that is kept, in (0, 1); default 0.9. */
  readonly gamma?: number;
}

/**
 * Momentum ResNet: v_{n+1} = γ v_n + (1 - γ) f_n(u_n), u_{n+1} = u_n + v_{n+1}. State: [u_n, v_n], v = 0
 * where a stage starts. Order 1 for u' = f(u); it is `linearTwoStep` with the constant k = -γ and f scaled by
 * 1 + k. Invertible for γ > 0: u_n = u_{n+1} - v_{n+1}, v_n = (v_{n+1} - (1 - γ) f(u_n)) / γ, which divides
 * the rounding errors of v by γ.
 *
 * Deviation: the published code keeps the bits that γ v loses, so that its inverse is exact; here it is exact
 * up to rounding.
 *
 * @throws ERR_CONFIG for γ outside (0, 1).
 * @see Sander, Ablin, Blondel, Peyré, "Momentum residual neural networks", 2021; michaelsdr/momentumnet,
 *   momentum_net.py.
 */
export function momentum({ gamma = 0.9 }: MomentumOptions = {}): Scheme {
  if (!(gamma > 0 && gamma < 1)) throw expected('ERR_CONFIG', 'a number in (0, 1)', 'momentum.gamma', gamma);
  return {
    name: 'momentum',
    order: 1,
    enter: ([u]) => [u, lin([0, u])],
    step(state, field) {
      const [u, v] = pair(state, 'momentum');
      const next = lin([gamma, v], [1 - gamma, field()(u)]);
      return [lin([1, u], [1, next]), next];
    },
    invert(state, field) {
      const [next, nextV] = pair(state, 'momentum');
      const u = lin([1, next], [-1, nextV]);
      return [u, lin([1 / gamma, nextV], [(gamma - 1) / gamma, field()(u)])];
    },
  };
}
