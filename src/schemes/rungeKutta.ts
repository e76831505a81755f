import { didYouMean, expected } from '../errors.ts';
import { lin } from '../graph/functions.ts';
import type { Node } from '../graph/node.ts';
import { must } from '../must.ts';
import type { Scheme } from '../roles.ts';
import { type Tableau, type TableauName, tableaus } from './tableaus.ts';

/** Options of `rungeKutta`. */
export interface RungeKuttaOptions {
  /** True: the stages of a step evaluate one f; false (default): each its own, as in HO-ResNet. */
  readonly share?: boolean;
}

/**
 * Explicit Runge-Kutta method: k_i = f_i(u_n + Σ_j a_ij k_j), u_{n+1} = u_n + Σ_i b_i k_i. State: [u_n]. Each
 * stage draws its own f, so that a step of s stages has the weights of s residual blocks; with `share`, those
 * of one. The declared order is that of the method for u' = f(u), one f.
 *
 * Deviation: HO-ResNet rectifies after every step, which is `projected(rungeKutta('rk4'), relu)`; its RK2 is
 * not consistent and not here.
 *
 * @param method a name of `tableaus`, or a tableau of one's own (its scheme is called "rungeKutta").
 * @throws ERR_UNKNOWN_NAME for an unknown method; ERR_CONFIG for a tableau that is not explicit or whose b do
 *   not sum to 1.
 * @see Luo et al., "Rethinking ResNets: improved stacking strategies with high-order schemes", 2021;
 *   zlannnn/HO-ResNet.
 * @example
 * const ralston = rungeKutta({ order: 2, a: [[], [2 / 3]], b: [1 / 4, 3 / 4] }, { share: true });
 */
export function rungeKutta(method: TableauName | Tableau, { share = false }: RungeKuttaOptions = {}): Scheme {
  const { a, b, order } = typeof method === 'string' ? named(method) : checked(method);
  return {
    name: typeof method === 'string' ? method : 'rungeKutta',
    ...(order === undefined ? {} : { order }),
    step([u], field) {
      const one = share ? field() : undefined;
      const stages: Node[] = [];
      for (const row of a) stages.push((one ?? field())(weighed(u, row, stages)));
      return [weighed(u, b, stages)];
    },
  };
}

/** u + Σ c_i k_i, without the terms that are 0. */
function weighed(u: Node, weights: readonly number[], stages: readonly Node[]): Node {
  const terms = stages.map((k, i) => [must(weights[i]), k] as const).filter(([c]) => c !== 0);
  return terms.length === 0 ? u : lin([1, u], ...terms);
}

function named(name: string): Tableau {
  if (Object.hasOwn(tableaus, name)) return tableaus[name as TableauName];
  const known = Object.keys(tableaus);
  throw expected('ERR_UNKNOWN_NAME', 'a Runge-Kutta method', 'rungeKutta', name, {
    hint: didYouMean(name, known),
  });
}

function checked(tableau: Tableau): Tableau {
  const { a, b } = tableau;
  if (b.length === 0 || a.length !== b.length || a.some((row, i) => row.length !== i))
    throw expected('ERR_CONFIG', 'i numbers in row i of a, and as many rows as b', 'rungeKutta.a', a);
  if (![...a.flat(), ...b].every(Number.isFinite) || Math.abs(b.reduce((x, y) => x + y) - 1) > 1e-12)
    throw expected('ERR_CONFIG', 'finite numbers, the b of sum 1', 'rungeKutta.b', b);
  return tableau;
}
