/**
 * Absolute stability of a step for u' = lambda u: where, for z = dt lambda, all roots of its characteristic
 * polynomial stay bounded.
 */
import { must } from '../must.ts';
import { growthAtZero } from './growth.ts';
import { atPoint, type Characteristic, type Polynomial } from './polynomials.ts';
import { type Complex, modulus, roots } from './roots.ts';

/** Rounding that a modulus of 1 may be above 1, and roots that are one. */
const tolerance = 1e-9;
const near = 1e-4;

/** Largest modulus among the roots at z: at most 1 where powers of the step stay bounded. */
export function spectralRadius(polynomial: Characteristic, re: number, im: number): number {
  return roots(atPoint(polynomial, re, im)).reduce((most, root) => Math.max(most, modulus(root)), 0);
}

/**
 * Root condition at z: all roots in the closed unit disc, those on the circle simple.
 *
 * @example
 * isStable([[-1, -1], [1]], -2, 0); // true: Euler's disc |1 + z| <= 1 ends there
 */
export function isStable(polynomial: Characteristic, re: number, im: number): boolean {
  return rootCondition(roots(atPoint(polynomial, re, im)));
}

/** Whether roots lie in the closed unit disc and are simple on its circle. */
export function rootCondition(all: readonly Complex[]): boolean {
  return all.every((root, i) => {
    const size = modulus(root);
    if (!(size <= 1 + tolerance)) return false;
    if (size < 1 - near) return true;
    return all.every((other, j) => j === i || Math.hypot(other[0] - root[0], other[1] - root[1]) > near);
  });
}

/** Roots of the step for f = 0: zero-stability is the root condition for these. */
export function rootsAtZero(polynomial: Characteristic): Complex[] {
  return roots(atPoint(polynomial, 0, 0)).map(([re, im]) => [re + 0, im + 0]); // no -0: JSON has none
}

/**
 * Zero-stability: powers of the step's matrix at z = 0 stay bounded. For one variable with its past this is
 * the root condition; several variables may share a root on the circle, as the uncoupled halves of a
 * reversible net do.
 */
export function isZeroStable(matrix: readonly (readonly Polynomial[])[]): boolean {
  let power = matrix.map((row) => row.map((p) => p[0] ?? 0));
  for (let i = 0; i < 24; i++) power = product(power, power);
  // a double root on the circle has grown to 2^24
  return power.flat().every((entry) => Math.abs(entry) < 1e5);
}

function product(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number[][] {
  return a.map((row) => row.map((_, j) => row.reduce((sum, x, k) => sum + x * must(must(b[k])[j]), 0)));
}

/** Size of what is looked at: |z| up to this. */
const farthest = 64;

/** Where the search for the end of an interval begins. */
const nearest = 0.01;

/**
 * Length of the interval of a half-line from 0 on which the step is stable: of the negative real axis (h up
 * to 2 for Euler), or of the imaginary axis (0 for Euler). 0 when none is; it is not followed beyond 64.
 */
export function stableLength(polynomial: Characteristic, axis: 'real' | 'imaginary'): number {
  const stable = (h: number): boolean =>
    axis === 'real' ? isStable(polynomial, -h, 0) : isStable(polynomial, 0, h);
  const begins = growthAtZero(polynomial, axis);
  if (begins === 'grows') return 0;
  let good = 0;
  for (let h = nearest; h <= farthest; h *= h < 0.1 ? 1.25 : 1.02) {
    if (!stable(h))
      return good > 0 || begins === 'bounded' ? Number(bisected(stable, good, h).toFixed(7)) : 0;
    good = h;
  }
  return farthest;
}

function bisected(stable: (h: number) => boolean, from: number, to: number): number {
  let [good, bad] = [from, to];
  for (let i = 0; i < 50; i++) {
    const middle = (good + bad) / 2;
    if (stable(middle)) good = middle;
    else bad = middle;
  }
  return good;
}

/** A rectangle of the complex plane, symmetric about the real axis. */
export interface Window {
  readonly left: number;
  readonly right: number;
  readonly top: number;
}

/**
 * The rectangle that holds the region of stability; null for a region without inside, such as leapfrog's.
 * Looks at ever smaller squares until the region fills a part of one.
 */
export function regionWindow(polynomial: Characteristic): Window | null {
  for (let size = farthest; size > 0.005; size /= 2) {
    const found = boundingBox(polynomial, size);
    if (found !== null && Math.max(found.right - found.left, found.top) > size / 4) return found;
  }
  return null;
}

function boundingBox(polynomial: Characteristic, size: number): Window | null {
  const cells = 32;
  let box: Window | null = null;
  for (let i = -cells; i <= cells; i++)
    for (let j = 0; j < cells; j++) {
      const [x, y] = [((i + 0.31) * size) / cells, ((j + 0.47) * size) / cells];
      if (!(spectralRadius(polynomial, x, y) <= 1)) continue;
      const { left, right, top }: Window = box ?? { left: x, right: x, top: y };
      box = { left: Math.min(left, x), right: Math.max(right, x), top: Math.max(top, y) };
    }
  if (box === null) return null;
  const cell = size / cells;
  return { left: box.left - cell, right: box.right + cell, top: box.top + cell };
}
