import { lin } from '../graph/functions.ts';
import type { Scheme } from '../roles.ts';
import { newest, pair } from './states.ts';

/**
 * Two-step midpoint rule: u_{n+1} = u_{n-1} + 2 f_n(u_n);
 * `linearTwoStep` with k = 1 and consistent scaling, `threeStep` with c = -1. State: [u_n, u_{n-1}]; a stage
 * without u_{n-1} starts with an Euler step. Order 2 for u' = f(u). Zero-stable, but the root -1 lets an
 * odd-even mode grow where f contracts. Inverse: u_{n-1} = u_{n+1} - 2 f(u_n), exact up to rounding.
 *
 * @see Chang et al., "Reversible architectures for arbitrarily deep residual neural networks", 2018: Y_{j+1}
 *   = Y_{j-1} + 2h F(Y_j).
 */
export const midpoint: Scheme = {
  name: 'midpoint',
  order: 2,
  enter: (history) => newest(history, 2),
  step([u, prev], field) {
    const f = field()(u);
    if (prev === undefined) return [lin([1, u], [1, f]), u];
    return [lin([1, prev], [2, f]), u];
  },
  invert(state, field) {
    const [next, u] = pair(state, 'midpoint');
    return [u, lin([1, next], [-2, field()(u)])];
  },
};
