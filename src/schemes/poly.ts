/**
 * PolyNet's schemes: backward Euler, (I - F)^-1, by the first terms of its Neumann series, and two relatives.
 */
import { expected } from '../errors.ts';
import { lin } from '../graph/functions.ts';
import type { Node } from '../graph/node.ts';
import type { At, Field, Scheme } from '../roles.ts';
import { positiveInteger } from './options.ts';

/** Options of `poly`, `mpoly` and `way`. */
export interface PolyOptions {
  /**
   * Factor of every term but the identity, fixed in training and evaluation; a function of the step's place,
   * or one number. Default 1.
   */
  readonly scale?: number | ((at: At) => number);
}

/**
 * poly-m: u_{n+1} = (I + F + F² + … + F^m) u_n, one F applied m times, each time to the value before. State:
 * [u_n]. Truncated Neumann series of backward Euler, u_{n+1} = (I - f)^-1 u_n; for f(u) = z u, R(z) = 1 + z +
 * … + z^m. For u' = f(u) with f(0) = 0 it is of order 1 for every m; with f(0) != 0 it is not consistent, so
 * it declares no order.
 *
 * The published nets put a relu after the sum, which is `projected(poly(2), relu)`, and share the inner
 * convolutions between the applications but neither batch norms nor the last convolution, and rectify what
 * the next application reads: that is the block's business (its closure makes new parameters, and rectifies
 * its argument, at each application after the first).
 *
 * @param m number of powers; default 2.
 * @throws ERR_CONFIG when m is no positive integer or a scale is not finite.
 * @see Zhang, Li, Loy, Lin, "PolyNet", 2017; the inference scale 1 - 0.3 i / 39 is that of
 *   Cadene/pretrained-models.pytorch, polynet.py.
 * @example
 * const scheme = projected(poly(3, { scale: ({ n }) => 1 - (0.3 * n) / 39 }), relu);
 */
export function poly(m = 2, options: PolyOptions = {}): Scheme {
  return series('poly', m, options, (field) => {
    const f = field();
    return (_, last) => f(last);
  });
}

/**
 * mpoly-m: u_{n+1} = u_n + F u_n + G F u_n + H G F u_n + …, a fresh function for each of the m factors.
 * State: [u_n]. With equal weights it is `poly`.
 *
 * @param m number of terms; default 2.
 * @throws as `poly`.
 * @see Zhang, Li, Loy, Lin, "PolyNet", 2017, figure 4.
 */
export function mpoly(m = 2, options: PolyOptions = {}): Scheme {
  return series('mpoly', m, options, (field) => (_, last) => field()(last));
}

/**
 * m-way: u_{n+1} = u_n + F u_n + G u_n + …, m fresh functions of one argument. State: [u_n].
 * With equal weights it is an Euler step m times as long.
 *
 * @param m number of functions; default 2.
 * @throws as `poly`.
 * @see Zhang, Li, Loy, Lin, "PolyNet", 2017, figure 4.
 */
export function way(m = 2, options: PolyOptions = {}): Scheme {
  return series('way', m, options, (field) => (u) => field()(u));
}

/** From u and the term before (u at first) to the next term. */
type Term = (u: Node, last: Node) => Node;

/** u + s (t_1 + … + t_m). */
function series(name: string, m: number, options: PolyOptions, terms: (field: Field) => Term): Scheme {
  positiveInteger(m, `${name}.m`);
  const { scale = 1 } = options;
  return {
    name,
    step([u], field, at) {
      const s = typeof scale === 'number' ? scale : scale(at);
      if (!Number.isFinite(s)) throw expected('ERR_CONFIG', 'a finite factor', `${name}.scale`, s);
      const term = terms(field);
      const values: Node[] = [];
      for (let i = 0; i < m; i++) values.push(term(u, values.at(-1) ?? u));
      return [lin([1, u], ...values.map((value) => [s, value] as const))];
    },
  };
}
