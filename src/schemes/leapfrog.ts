import { lin } from '../graph/functions.ts';
import type { Scheme } from '../roles.ts';
import { newest, pair } from './states.ts';

/**
 * Leapfrog (Störmer-Verlet) for u'' = f(u): u_{n+1} = 2 u_n - u_{n-1} + f_n(u_n); `linearTwoStep` with k =
 * -1. State: [u_n, u_{n-1}]; a stage without u_{n-1} starts at rest, u_1 = u_0 + f(u_0) / 2, which makes it
 * of order 2 for u'' = f. Not a method for u' = f(u): it declares no order, and as one it is not zero-stable
 * (1 is a double root: velocities are kept). Inverse: u_{n-1} = 2 u_n - u_{n+1} + f(u_n), exact up to
 * rounding.
 *
 * Deviation: the published net starts with 2 u_0 + f(u_0), that is u_{-1} = 0.
 *
 * @see Chang et al., "Reversible architectures for arbitrarily deep residual neural networks", 2018.
 */
export const leapfrog: Scheme = {
  name: 'leapfrog',
  enter: (history) => newest(history, 2),
  step([u, prev], field) {
    const f = field()(u);
    if (prev === undefined) return [lin([1, u], [0.5, f]), u];
    return [lin([2, u], [-1, prev], [1, f]), u];
  },
  invert(state, field) {
    const [next, u] = pair(state, 'leapfrog');
    return [u, lin([2, u], [-1, next], [1, field()(u)])];
  },
};
