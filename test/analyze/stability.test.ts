import { describe, expect, it } from 'vitest';
import { coefValues } from '../../src/analyze/coefficients.ts';
import { levelLines } from '../../src/analyze/contour.ts';
import { linearMultistep, linearOrder, modifiedEquation, paperK } from '../../src/analyze/multistep.ts';
import type { Characteristic } from '../../src/analyze/polynomials.ts';
import { type Recurrence, stepReader } from '../../src/analyze/recurrence.ts';
import {
  isStable,
  isZeroStable,
  regionWindow,
  rootCondition,
  rootsAtZero,
  spectralRadius,
  stableLength,
} from '../../src/analyze/stability.ts';
import { concat, lin, slice } from '../../src/graph/functions.ts';
import type { Graph } from '../../src/graph/graph.ts';
import type { Scheme } from '../../src/roles.ts';
import { adamsBashforth2 } from '../../src/schemes/adamsBashforth2.ts';
import { euler } from '../../src/schemes/euler.ts';
import { fractal } from '../../src/schemes/fractal.ts';
import { leapfrog } from '../../src/schemes/leapfrog.ts';
import { linearTwoStep } from '../../src/schemes/linearTwoStep.ts';
import { midpoint } from '../../src/schemes/midpoint.ts';
import { momentum } from '../../src/schemes/momentum.ts';
import { poly } from '../../src/schemes/poly.ts';
import { reversible } from '../../src/schemes/reversible.ts';
import { rungeKutta } from '../../src/schemes/rungeKutta.ts';
import { threeStep } from '../../src/schemes/threeStep.ts';
import { integrator, opaqueField } from '../support/graphs/nets.ts';
import { thinNet } from './fake.ts';

/** The recurrence of the last step of a graph, all parameters equal. */
function recurrence(graph: Graph, param = 0): Recurrence {
  const values = new Map(graph.params.map(({ path }) => [path, [param]]));
  const step = graph.steps.at(-1);
  if (step === undefined) throw new Error('no step');
  const found = stepReader(graph, coefValues(graph, values)).recurrence(step, 'mean');
  if (typeof found === 'string') throw new Error(found);
  return found;
}

const of = (scheme: Scheme, param?: number): Recurrence =>
  recurrence(integrator(scheme, 5, opaqueField), param);

/** The two-step scheme with a k that is no parameter. */
function constantTwoStep(k: number, scaling: 'none' | 'consistent' = 'none'): Scheme {
  const forcing = scaling === 'consistent' ? 1 + k : 1;
  return {
    name: 'constantTwoStep',
    enter: (history) => history,
    step([u, previous = u], field) {
      return [lin([1 - k, u], [k, previous], [forcing, field()(u)]), u];
    },
  };
}

/** Every coefficient to 12 digits. */
function expectPolynomial(found: Characteristic, wanted: Characteristic): void {
  expect(found.map((p) => p.map((a) => Number(a.toFixed(12)) + 0))).toEqual(wanted);
}

describe('the stability polynomial of a step', () => {
  const oneStep: [string, Scheme, number[]][] = [
    ['Euler', euler, [1, 1]],
    ['Heun', rungeKutta('heun'), [1, 1, 0.5]],
    ['RK4', rungeKutta('rk4'), [1, 1, 0.5, 0.166666666667, 0.041666666667]],
    ['poly-2', poly(2), [1, 1, 1]],
    ['poly-3', poly(3), [1, 1, 1, 1]],
    ['fractal of two columns', fractal({ columns: 2 }), [0, 0.5, 0.5]],
  ];
  it.each(oneStep)('is R(z) for %s', (_, scheme, wanted) => {
    const found = of(scheme);
    expect(found.kind).toBe('one-step');
    expectPolynomial(found.characteristic, [wanted.map((a) => -a + 0), [1]]);
  });

  it('is zeta² - (1 - k + z) zeta - k for the linear two-step scheme', () => {
    const found = of(linearTwoStep(), 0.3);
    expect(found.kind).toBe('multistep');
    expectPolynomial(found.characteristic, [[-0.3], [-0.7, -1], [1]]);
  });

  it('is zeta² - (1 + 3z/2) zeta + z/2 for Adams-Bashforth 2, whose second state is an old f', () => {
    const found = of(adamsBashforth2);
    expect(found.kind).toBe('multistep');
    expectPolynomial(found.characteristic, [[0, 0.5], [-1, -1.5], [1]]);
  });

  it('is that of two coupled variables for momentum and the reversible scheme', () => {
    expect(of(momentum({ gamma: 0.9 })).kind).toBe('two-variable');
    const coupled = recurrence(
      thinNet(reversible, 3, { stages: [{ width: 4, steps: 3, stride: 1 }], block: opaqueField }),
    );
    expect(coupled.kind).toBe('two-variable');
    expectPolynomial(coupled.characteristic, [[1], [-2, 0, -1], [1]]);
  });

  it('follows the channels of a state that is taken apart', () => {
    const halves: Scheme = {
      name: 'halves',
      step([u], field) {
        const half = u.channels / 2;
        const [x, y] = [slice(u, 0, half), slice(u, half, u.channels)];
        const next = lin([1, x], [1, field({ in: half, out: half })(y)]);
        return [concat(next, lin([1, y], [1, field({ in: half, out: half })(next)]))];
      },
    };
    const found = recurrence(thinNet(halves, 3, { stages: [{ width: 4, steps: 3, stride: 1 }] }));
    expect(found.kind).toBe('two-variable');
    expectPolynomial(found.characteristic, [[1], [-2, 0, -1], [1]]);
  });

  it('has three states for the three-step scheme, stable for f = 0', () => {
    const { characteristic } = of(threeStep());
    expect(characteristic).toHaveLength(4);
    expect(rootCondition(rootsAtZero(characteristic))).toBe(true);
  });
});

describe('the order on the linear test equation', () => {
  const rows: [string, Scheme, number][] = [
    ['euler', euler, 1],
    ['heun', rungeKutta('heun'), 2],
    ['kutta3', rungeKutta('kutta3'), 3],
    ['rk4', rungeKutta('rk4'), 4],
    ['rk38', rungeKutta('rk38'), 4],
    ['adamsBashforth2', adamsBashforth2, 2],
    ['midpoint', midpoint, 2],
    ['threeStep', threeStep(), 2],
    ['poly', poly(2), 1],
  ];
  it.each(rows)('of %s is the declared one', (_, scheme, order) => {
    expect(linearOrder(of(scheme).characteristic)?.order).toBe(order);
    expect(linearOrder(of(scheme).characteristic)?.speed).toBeCloseTo(1, 9);
  });

  it('of the two-step scheme is 1, at speed 1 / (1 + k)', () => {
    expect(linearOrder(of(linearTwoStep(), -0.4).characteristic)).toEqual({
      order: 1,
      speed: expect.closeTo(1 / 0.6),
    });
  });

  it('is none where 1 is no simple root', () => {
    expect(linearOrder(of(leapfrog).characteristic)).toBeNull();
    expect(linearOrder(of(fractal({ columns: 2 })).characteristic)).toBeNull();
  });
});

describe('absolute stability', () => {
  it.each([-0.9, -0.5, -0.1, 0.2, 0.5, 0.9])('of the two-step scheme with k = %d ends at 2 (1 - k)', (k) => {
    const { characteristic } = of(linearTwoStep(), k);
    expect(stableLength(characteristic, 'real')).toBeCloseTo(2 * (1 - k), 6);
    expect(stableLength(characteristic, 'imaginary')).toBe(0);
  });

  const ends: [string, Scheme, number, number][] = [
    ['Euler', euler, 2, 0],
    ['Heun', rungeKutta('heun'), 2, 0],
    ['Kutta 3', rungeKutta('kutta3'), 2.512745, Math.sqrt(3)],
    ['RK4', rungeKutta('rk4'), 2.785294, 2 * Math.SQRT2],
    ['Adams-Bashforth 2', adamsBashforth2, 1, 0],
    ['poly-2', poly(2), 1, 1],
    ['midpoint', midpoint, 0, 1],
    ['leapfrog', leapfrog, 4, 0],
  ];
  it.each(ends)('of %s has the known intervals', (_, scheme, real, imaginary) => {
    const { characteristic } = of(scheme);
    expect(stableLength(characteristic, 'real')).toBeCloseTo(real, 4);
    expect(stableLength(characteristic, 'imaginary')).toBeCloseTo(imaginary, 4);
  });

  // The largest modulus of the roots in 60 digits, by mpmath.
  const families: [string, Scheme, number, number][] = [
    ['three-step, c = -9/5', threeStep(), 0.5, 0],
    ['three-step, c = -1, which is midpoint', threeStep({ c: -1 }), 0, 1],
    ['three-step, c = -1.001', threeStep({ c: -1.001 }), 0.000999250562, 0],
    ['three-step, c = -1.2', threeStep({ c: -1.2 }), 0.1739130435, 0],
    ['three-step, c = -3', threeStep({ c: -3 }), 0.8, 0],
    ['three-step, c = -20', threeStep({ c: -20 }), 1.245901639, 0],
    ['three-step, c = 1/2', threeStep({ c: 0.5 }), 0.3333333333, 0],
    ['three-step, c = 1', threeStep({ c: 1 }), 1, 0],
    ['three-step, c = 2', threeStep({ c: 2 }), 1.666666667, 0],
    ['three-step, c = 5', threeStep({ c: 5 }), 1.714285714, 0],
    ['two-step, k = -0.99', constantTwoStep(-0.99), 3.98, 0],
    ['two-step, k = 0.999', constantTwoStep(0.999), 0.002, 0],
    ['two-step, k = 0.9999999', constantTwoStep(0.9999999), 2e-7, 0],
    ['two-step, k = 1', constantTwoStep(1), 0, 2],
    ['consistent two-step, k = -0.5', constantTwoStep(-0.5, 'consistent'), 6, 0],
    ['consistent two-step, k = 0.9', constantTwoStep(0.9, 'consistent'), 0.1052631579, 0],
    ['consistent two-step, k = 0.999', constantTwoStep(0.999, 'consistent'), 0.00100050025, 0],
    ['consistent two-step, k = 1', constantTwoStep(1, 'consistent'), 0, 1],
  ];
  it.each(families)('of %s has the intervals of exact arithmetic', (_, scheme, real, imaginary) => {
    const { characteristic } = of(scheme);
    expect(stableLength(characteristic, 'real')).toBeCloseTo(real, 6);
    expect(stableLength(characteristic, 'imaginary')).toBeCloseTo(imaginary, 6);
  });

  it('of a step many times as long ends as much earlier, at its exact end', () => {
    for (const factor of [1e-3, 1, 1e3]) {
      const scaled = (c: Characteristic): Characteristic => c.map((p) => p.map((a, j) => a * factor ** j));
      const rk4 = scaled(of(rungeKutta('rk4')).characteristic);
      const wanted = Math.min(64, (2 * Math.SQRT2) / factor);
      expect(stableLength(rk4, 'imaginary') / wanted).toBeCloseTo(1, 3);
      const centred = scaled(of(midpoint).characteristic);
      expect(stableLength(centred, 'imaginary') / Math.min(64, 1 / factor)).toBeCloseTo(1, 3);
      expect(stableLength(scaled(of(threeStep()).characteristic), 'imaginary')).toBe(0);
      expect(stableLength(scaled(of(adamsBashforth2).characteristic), 'imaginary')).toBe(0);
    }
  });

  it('of Euler is the unit disc about -1', () => {
    const { characteristic } = of(euler);
    const window = regionWindow(characteristic);
    if (window === null) throw new Error('no region');
    const lines = levelLines((x, y) => spectralRadius(characteristic, x, y) - 1, window);
    expect(lines).toHaveLength(1);
    const radii = lines.flat().map(([x, y]) => Math.hypot(x + 1, y));
    expect(Math.min(...radii)).toBeGreaterThan(0.999);
    expect(Math.max(...radii)).toBeLessThan(1.001);
    expect(isStable(characteristic, -2, 0)).toBe(true);
    expect(isStable(characteristic, -2.0001, 0)).toBe(false);
  });

  it('of leapfrog and midpoint has no inside', () => {
    for (const scheme of [leapfrog, midpoint]) expect(regionWindow(of(scheme).characteristic)).toBeNull();
  });
});

describe('zero-stability', () => {
  it.each([-0.99, -0.5, 0, 0.5, 1])('holds for k = %d, with roots 1 and -k', (k) => {
    const found = rootsAtZero(of(linearTwoStep(), k).characteristic);
    expect(found.map(([re]) => re + 0).toSorted((a, b) => a - b)).toEqual(
      [-k + 0, 1].toSorted((a, b) => a - b).map((root) => expect.closeTo(root, 12)),
    );
    expect(rootCondition(found)).toBe(true);
  });

  it('holds for uncoupled variables that share the root 1, and fails for a double root of one variable', () => {
    const coupled = thinNet(reversible, 3, { stages: [{ width: 4, steps: 3, stride: 1 }] });
    expect(isZeroStable(recurrence(coupled).matrix)).toBe(true);
    expect(isZeroStable(of(momentum()).matrix)).toBe(true);
    expect(isZeroStable(of(leapfrog).matrix)).toBe(false);
    expect(isZeroStable(of(linearTwoStep(), 1).matrix)).toBe(true);
    expect(isZeroStable(of(linearTwoStep(), -1.001).matrix)).toBe(false);
  });

  it.each([-1, -1.2, 1.001])('fails for k = %d', (k) => {
    expect(rootCondition(rootsAtZero(of(linearTwoStep(), k).characteristic))).toBe(false);
  });
});

describe('the modified equation', () => {
  const equation = (scheme: Scheme, param?: number): unknown => {
    const form = linearMultistep(of(scheme, param));
    return form && modifiedEquation(form);
  };

  it.each([-0.5, 0.25])('is (1 + k) u′ + (1 - k)/2 dt u″ = f for k = %d', (k) => {
    const wanted = { first: expect.closeTo(1 + k), second: expect.closeTo((1 - k) / 2) };
    expect(equation(linearTwoStep(), k)).toEqual({ ...wanted, forcing: 1 });
    expect(equation(linearTwoStep({ scaling: 'consistent' }), k)).toEqual({
      ...wanted,
      forcing: expect.closeTo(1 + k),
    });
  });

  it('is that of Euler without history, of u″ = f for leapfrog, and none for other forms', () => {
    expect(equation(euler)).toEqual({ first: 1, second: 0.5, forcing: 1 });
    expect(equation(leapfrog)).toEqual({ first: 0, second: 1, forcing: 1 });
    for (const scheme of [rungeKutta('heun'), adamsBashforth2, momentum(), fractal({ columns: 2 })])
      expect(equation(scheme)).toBeNull();
  });

  it('has a k for the form of eq. (1) only', () => {
    const k = (scheme: Scheme, param?: number): unknown => {
      const form = linearMultistep(of(scheme, param));
      return form && paperK(form);
    };
    expect(k(linearTwoStep(), 0.25)).toBe(0.25);
    expect(k(midpoint)).toBe(1);
    expect(k(leapfrog)).toBe(-1);
    expect(k(threeStep())).toBeNull();
  });
});
