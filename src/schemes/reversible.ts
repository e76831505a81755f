import { expected } from '../errors.ts';
import { concat, lin, slice } from '../graph/functions.ts';
import type { Scheme } from '../roles.ts';
import { pair } from './states.ts';

/**
 * Reversible scheme (RevNet) on channel halves: X' = X + f(Y), Y' = Y + g(X'), two fresh functions of half
 * the channels per step. State: [X, Y]. `enter` halves the channels of a history [u] and goes on with a
 * history [X, Y]; `exit` concatenates. A transition therefore returns [u] or [X', Y'], and sees the halves.
 * Inverse: Y = Y' - g(X'), X = X' - f(Y), exact up to rounding. Order 1 for X' = f(Y), Y' = f(X); with X' in
 * the second line it is symplectic Euler (the paper calls it forward Euler).
 *
 * @throws ERR_SHAPE for an odd number of channels; ERR_GRAPH when a step is given one entry only.
 * @see Gomez, Ren, Urtasun, Grosse, "The reversible residual network", 2017; renmengye/revnet-public.
 */
export const reversible: Scheme = {
  name: 'reversible',
  order: 1,
  enter([u, second]) {
    if (second !== undefined) return [u, second];
    const { channels, path } = u;
    if (channels % 2 !== 0)
      throw expected('ERR_SHAPE', 'an even number of channels', `reversible, after ${path}`, channels);
    return [slice(u, 0, channels / 2), slice(u, channels / 2, channels)];
  },
  step(state, field) {
    const [x, y] = pair(state, 'reversible');
    const next = lin([1, x], [1, field()(y)]);
    return [next, lin([1, y], [1, field()(next)])];
  },
  exit: (state) => concat(...state),
  invert(state, field) {
    const [next, nextY] = pair(state, 'reversible');
    const [f, g] = [field(), field()];
    const y = lin([1, nextY], [-1, g(next)]);
    return [lin([1, next], [-1, f(y)]), y];
  },
};
