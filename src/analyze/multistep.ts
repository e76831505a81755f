/**
 * What the coefficients of a linear multistep step say: k, zero-stability, the modified equation, the order.
 */
import { must } from '../must.ts';
import { type Characteristic, multiply } from './polynomials.ts';
import type { Recurrence } from './recurrence.ts';

/** u_{n+1} = a_0 u_n + a_1 u_{n-1} + … + b f(u_n). */
export interface LinearMultistep {
  readonly history: readonly number[];
  readonly forcing: number;
}

/** The step as a linear multistep method that evaluates f at u_n alone; null when it is something else. */
export function linearMultistep({ kind, matrix }: Recurrence): LinearMultistep | null {
  const [newest, ...older] = [must(matrix[0]), ...matrix.slice(1)];
  if (kind !== 'one-step' && kind !== 'multistep') return null;
  const shifts = older.every((row, i) =>
    row.every((p, j) => p.length <= 1 && (p[0] ?? 0) === (i === j ? 1 : 0)),
  );
  const explicit = newest.every((p, j) => p.length <= (j === 0 ? 2 : 1));
  if (!shifts || !explicit) return null;
  return { history: newest.map((p) => p[0] ?? 0), forcing: must(newest[0])[1] ?? 0 };
}

/**
 * k of a step of the form of eq. (1), u_{n+1} = (1 - k) u_n + k u_{n-1} + b f(u_n); null for another form.
 */
export function paperK({ history }: LinearMultistep): number | null {
  const [a = 0, k = 0, ...rest] = history;
  return rest.every((c) => c === 0) && Math.abs(a + k - 1) < 1e-5 ? k : null;
}

/** Coefficients of first u' + second dt u'' = forcing f. */
export interface ModifiedEquation {
  readonly first: number;
  readonly second: number;
  readonly forcing: number;
}

/**
 * The modified equation of a linear multistep step: what it integrates, seen to second order. For eq. (1) of
 * the paper it is (1 + k) u' + (1 - k)/2 dt u'' = f; null when the step is not consistent (its coefficients
 * do not sum to 1).
 */
export function modifiedEquation({ history, forcing }: LinearMultistep): ModifiedEquation | null {
  const moment = (m: number): number => history.reduce((sum, a, j) => sum + a * (-j) ** m, 0);
  if (Math.abs(moment(0) - 1) > 1e-5) return null;
  return { first: 1 - moment(1), second: (1 - moment(2)) / 2, forcing };
}

/** Order of a step on u' = lambda u, and the speed it integrates with: speed · z per step. */
export interface LinearOrder {
  readonly order: number;
  readonly speed: number;
}

/**
 * Order on the linear test equation: the greatest p with P(exp(s z), z) = O(z^(p+1)), where the speed s makes
 * the first order hold. Null when 1 is no simple root for z = 0.
 *
 * @example
 * linearOrder([[-1, -1, -0.5], [1]]); // Heun: { order: 2, speed: 1 }
 */
export function linearOrder(polynomial: Characteristic): LinearOrder | null {
  const sum = (of: (p: readonly number[], i: number) => number): number =>
    polynomial.reduce((total, p, i) => total + of(p, i), 0);
  const slope = sum((p, i) => i * (p[0] ?? 0));
  if (Math.abs(sum((p) => p[0] ?? 0)) > 1e-6 || Math.abs(slope) < 1e-9) return null;
  const speed = -sum((p) => p[1] ?? 0) / slope;
  if (Math.abs(speed) < 1e-9) return { order: 0, speed };
  const errors = Array.from({ length: 10 }, (_, m) =>
    sum((p, i) => multiply(p, exponential(i * speed, m))[m] ?? 0),
  );
  const first = errors.findIndex((error, m) => m > 1 && Math.abs(error) > 1e-6);
  return { order: first < 0 ? errors.length - 1 : first - 1, speed };
}

/** Taylor coefficients of exp(s z) up to z^m. */
function exponential(s: number, m: number): number[] {
  const out = [1];
  for (let i = 1; i <= m; i++) out.push((must(out[i - 1]) * s) / i);
  return out;
}
