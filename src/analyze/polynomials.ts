/** Polynomials in z, and matrices of them. */
import { must } from '../must.ts';

/** Coefficients of 1, z, z², … */
export type Polynomial = readonly number[];

/** The characteristic polynomial of a step: entry i is the polynomial in z that stands before zeta^i. */
export type Characteristic = readonly Polynomial[];

/** p + q. */
export function add(p: Polynomial, q: Polynomial): Polynomial {
  const long = p.length >= q.length ? p : q;
  return trimmed(long.map((_, i) => (p[i] ?? 0) + (q[i] ?? 0)));
}

/** p · q. */
export function multiply(p: Polynomial, q: Polynomial): Polynomial {
  const out = Array.from({ length: Math.max(0, p.length + q.length - 1) }, () => 0);
  for (const [i, a] of p.entries()) for (const [j, b] of q.entries()) out[i + j] = must(out[i + j]) + a * b;
  return trimmed(out);
}

/** Number times polynomial. */
export function scale(factor: number, p: Polynomial): Polynomial {
  return trimmed(p.map((a) => factor * a));
}

/**
 * det(zeta I - M(z)) by the Faddeev-LeVerrier recursion.
 *
 * @example
 * characteristic([[[1, 1]]]); // Euler, M = 1 + z: [[-1, -1], [1]], that is zeta - 1 - z
 */
export function characteristic(matrix: readonly (readonly Polynomial[])[]): Characteristic {
  const n = matrix.length;
  const coefs: Polynomial[] = Array.from({ length: n + 1 }, (_, i) => (i === n ? [1] : []));
  let power: readonly (readonly Polynomial[])[] = matrix.map((row) => row.map(() => []));
  for (let k = 1; k <= n; k++) {
    const shifted = product(matrix, power).map((row, i) =>
      row.map((p, j) => (i === j ? add(p, must(coefs[n - k + 1])) : p)),
    );
    const next = product(matrix, shifted);
    const trace = next.reduce<Polynomial>((sum, row, i) => add(sum, must(row[i])), []);
    coefs[n - k] = scale(-1 / k, trace);
    power = shifted;
  }
  return coefs;
}

/** Coefficients of the polynomial in zeta at a complex z, lowest first, as pairs [re, im]. */
export function atPoint(polynomial: Characteristic, re: number, im: number): [number, number][] {
  return polynomial.map((p) => {
    let value: [number, number] = [0, 0];
    for (const a of p.toReversed())
      value = [value[0] * re - value[1] * im + a, value[0] * im + value[1] * re];
    return value;
  });
}

/** Entry by entry mean of characteristic polynomials of one degree. */
export function meanOf(polynomials: readonly Characteristic[]): Characteristic {
  const sum = polynomials.reduce((a, b) => b.map((p, i) => add(p, must(a[i]))));
  return sum.map((p) => scale(1 / polynomials.length, p));
}

function product(
  a: readonly (readonly Polynomial[])[],
  b: readonly (readonly Polynomial[])[],
): Polynomial[][] {
  return a.map((row) =>
    row.map((_, j) => row.reduce<Polynomial>((sum, p, k) => add(sum, multiply(p, must(must(b[k])[j]))), [])),
  );
}

function trimmed(p: Polynomial): Polynomial {
  let length = p.length;
  while (length > 0 && p[length - 1] === 0) length--;
  return p.slice(0, length).map((a) => a + 0); // no -0: JSON has none
}
