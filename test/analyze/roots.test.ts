import { describe, expect, it } from 'vitest';
import { type Complex, modulus, roots } from '../../src/analyze/roots.ts';

/** Coefficients of the monic polynomial with given roots, lowest first. */
function polynomial(wanted: readonly Complex[]): Complex[] {
  return wanted.reduce<Complex[]>(
    (coefs, [re, im]) => {
      const shifted = ([[0, 0]] as Complex[]).concat(coefs);
      return shifted.map(([a, b], i) => {
        const [c, d] = coefs[i] ?? [0, 0];
        return [a - (c * re - d * im), b - (c * im + d * re)];
      });
    },
    [[1, 0]],
  );
}

const byPlace = ([a, b]: Complex, [c, d]: Complex): number => Math.round(1e6 * (a - c)) || b - d;

describe('roots', () => {
  const cases: [string, Complex[]][] = [
    ['one', [[0.3, -0.2]]],
    [
      'two, one tiny',
      [
        [1, 0],
        [1e-9, 0],
      ],
    ],
    [
      'two that are conjugate',
      [
        [0.5, 0.8],
        [0.5, -0.8],
      ],
    ],
    [
      'three on the circle',
      [
        [1, 0],
        [-0.6, 0.8],
        [-0.6, -0.8],
      ],
    ],
    [
      'five, with a zero',
      [
        [2, 1],
        [-3, 0.5],
        [0, 0],
        [0.1, -0.1],
        [1, 1],
      ],
    ],
  ];
  it.each(cases)('finds %s', (_, wanted) => {
    const found = roots(polynomial(wanted)).toSorted(byPlace);
    const sorted = wanted.toSorted(byPlace);
    expect(found).toHaveLength(wanted.length);
    for (const [i, [re, im]] of found.entries())
      expect(modulus([re - (sorted[i]?.[0] ?? 9), im - (sorted[i]?.[1] ?? 9)])).toBeLessThan(1e-11);
  });

  it('finds a double root to half the digits', () => {
    const found = roots(
      polynomial([
        [1, 0],
        [1, 0],
        [-0.5, 0],
      ]),
    );
    const distances = found.map(([re, im]) => Math.min(Math.hypot(re - 1, im), Math.hypot(re + 0.5, im)));
    expect(Math.max(...distances)).toBeLessThan(1e-5);
  });
});
