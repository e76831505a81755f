import { lin } from '../graph/functions.ts';
import type { Scheme } from '../roles.ts';

/**
 * Adams-Bashforth of two steps: u_{n+1} = u_n + 3/2 f_n(u_n) - 1/2 f_{n-1}(u_{n-1}). State: [u_n,
 * f_{n-1}(u_{n-1})]: its history is one of f, so a stage never takes over that of another, and starts with an
 * Euler step. Order 2 for u' = f(u). Zero-stable.
 *
 * @see "Adams-Bashforth ResNet", arXiv 1905.10430.
 */
export const adamsBashforth2: Scheme = {
  name: 'adamsBashforth2',
  order: 2,
  enter: ([u]) => [u],
  step([u, before], field) {
    const f = field()(u);
    if (before === undefined) return [lin([1, u], [1, f]), f];
    return [lin([1, u], [1.5, f], [-0.5, before]), f];
  },
};
