import { lin } from '../../src/graph/functions.ts';
import type { Scheme } from '../../src/roles.ts';
import { adamsBashforth2 } from '../../src/schemes/adamsBashforth2.ts';
import { euler } from '../../src/schemes/euler.ts';
import { type FractalOptions, fractal } from '../../src/schemes/fractal.ts';
import { leapfrog } from '../../src/schemes/leapfrog.ts';
import { type LinearTwoStepOptions, linearTwoStep } from '../../src/schemes/linearTwoStep.ts';
import { midpoint } from '../../src/schemes/midpoint.ts';
import { momentum } from '../../src/schemes/momentum.ts';
import { mpoly, poly, way } from '../../src/schemes/poly.ts';
import { projected } from '../../src/schemes/projected.ts';
import { reversible } from '../../src/schemes/reversible.ts';
import { type RungeKuttaOptions, rungeKutta } from '../../src/schemes/rungeKutta.ts';
import type { TableauName } from '../../src/schemes/tableaus.ts';
import { threeStep } from '../../src/schemes/threeStep.ts';
import { recursion, twoTerms } from '../support/graphs/recursions.ts';

/** One row per scheme (and variant): drives every test in schemes.test.ts. */
export interface SchemeRow {
  readonly title: string;
  /** As the scheme names itself; a wrapper's own. */
  readonly name: string;
  readonly make: () => Scheme;
  /** Value of every learned parameter. */
  readonly param: number;
  /** Channels of the one pixel that is integrated; all start at 1. */
  readonly channels: number;
  /** u_n for f(u) = z·u and u_0 = 1, from the theory. */
  readonly solution: (z: number, n: number) => number;
  /** The scheme integrates speed·u' = f. */
  readonly speed: number;
  /**
   * Order of convergence for u' = f(u), f(0) = 0, once f is scaled by `speed`; undefined: it does not
   * integrate that.
   */
  readonly order: number | undefined;
  /** Learned parameters in a stage of n steps. */
  readonly learned: (n: number) => number;
  /** Functions drawn and evaluations made in one step. */
  readonly fields: readonly [drawn: number, evaluations: number];
  /** Bounded for f = 0, whatever its history. */
  readonly zeroStable: boolean;
}

/** A one-step scheme, u_n = R(z)^n. */
const oneStep = (
  title: string,
  name: string,
  make: () => Scheme,
  r: (z: number) => number,
  change: Partial<SchemeRow> = {},
): SchemeRow => ({
  title,
  name,
  make,
  param: 0,
  channels: 1,
  speed: 1,
  order: 1,
  fields: [1, 1],
  zeroStable: true,
  solution: (z, n) => r(z) ** n,
  learned: () => 0,
  ...change,
});

/** A scheme with a recursion of its own. */
const multiStep = (
  title: string,
  name: string,
  make: () => Scheme,
  solution: SchemeRow['solution'],
  change: Partial<SchemeRow> = {},
): SchemeRow => ({ ...oneStep(title, name, make, () => Number.NaN), solution, ...change });

/** (1 - k + s z) u_n + k u_{n-1}, started by an Euler step; s = 1 + k where it is consistent. */
const lm = (k: number, what = '', options: LinearTwoStepOptions = {}, param = k): SchemeRow => {
  const consistent = options.scaling === 'consistent';
  const s = consistent ? 1 + k : 1;
  const solution: SchemeRow['solution'] = (z, n) => twoTerms(1 - k + s * z, k, 1 + z, n);
  const speed = consistent ? 1 : 1 + k;
  const change = { param, speed, learned: (n: number) => n - 1 };
  return multiStep(
    `linearTwoStep${what}, k = ${k}`,
    'linearTwoStep',
    () => linearTwoStep(options),
    solution,
    change,
  );
};

const momentumRow = (gamma: number): SchemeRow =>
  multiStep(
    `momentum, γ = ${gamma}`,
    'momentum',
    () => momentum({ gamma }),
    (z, n) => {
      const g = 1 - gamma;
      return twoTerms(1 + gamma + g * z, -gamma, 1 + g * z, n);
    },
  );

const threeRow = (c: number, change: Partial<SchemeRow> = {}): SchemeRow =>
  multiStep(
    `threeStep, c = ${c}`,
    'threeStep',
    () => threeStep({ c }),
    (z, n) =>
      recursion(
        [(3 * (c + 1)) / (4 * c) + ((3 * c - 1) / (2 * c)) * z, -1 / c, (c + 1) / (4 * c)],
        [1, 1 + z, (1 + z) ** 2],
        n,
      ),
    { order: 2, ...change },
  );

/** 1 + z + z²/2! + … + z^s/s!: every method of s <= 4 stages and order s. */
const taylor = (z: number, s: number): number => {
  let sum = 1;
  for (let i = s; i > 0; i--) sum = 1 + (sum * z) / i;
  return sum;
};

const rk = (name: TableauName, stages: number, options?: RungeKuttaOptions): SchemeRow =>
  oneStep(
    options?.share ? `${name} of one f` : name,
    name,
    () => rungeKutta(name, options),
    (z) => taylor(z, stages),
    { order: stages, fields: [options?.share ? 1 : stages, stages] },
  );

const powers = (z: number, m: number): number => (m === 0 ? 1 : 1 + z * powers(z, m - 1));

const fractalRow = (title: string, options: FractalOptions, r: (z: number) => number): SchemeRow => {
  const count = 2 ** (options.columns ?? 3) - 1;
  return oneStep(title, 'fractal', () => fractal(options), r, { order: undefined, fields: [count, count] });
};
const two = (z: number): number => (z + z * z) / 2;
const three = (z: number): number => (z + two(z) * (z + z * z)) / 3;

export const table: readonly SchemeRow[] = [
  oneStep(
    'euler',
    'euler',
    () => euler,
    (z) => 1 + z,
  ),
  oneStep(
    'projected by the identity',
    'projected',
    () => projected(euler, (u) => lin([1, u])),
    (z) => 1 + z,
  ),
  ...[-0.4, 0, 0.3, 0.8].map((k) => lm(k)),
  lm(0.3, ' as the official code stores it', { parameterization: 'official' }, 0.7),
  lm(-0.2, ' per channel', { per: 'channel' }),
  lm(
    -0.2,
    ' per channel, as the official code stores it',
    { per: 'channel', parameterization: 'official' },
    1.2,
  ),
  lm(-0.4, ' bounded', { bounded: 'tanh' }, Math.atanh(-0.4)),
  lm(0.6, ' with consistent scaling', { scaling: 'consistent' }),
  lm(-0.3, ' bounded and scaled', { bounded: 'tanh', scaling: 'consistent' }, Math.atanh(-0.3)),
  ...[-9 / 5, -1, 1].map((c) => threeRow(c)),
  {
    ...threeRow(-9 / 5, { param: -9 / 5, learned: (n) => Math.max(n - 2, 0) }),
    title: 'threeStep with c learned',
    make: () => threeStep({ trained: true }),
  },
  ...[1, 2, 3].flatMap((m) => [
    oneStep(
      `poly-${m}`,
      'poly',
      () => poly(m),
      (z) => powers(z, m),
      { fields: [1, m] },
    ),
    oneStep(
      `mpoly-${m}`,
      'mpoly',
      () => mpoly(m),
      (z) => powers(z, m),
      { fields: [m, m] },
    ),
    oneStep(
      `${m}-way`,
      'way',
      () => way(m),
      (z) => 1 + m * z,
      { speed: 1 / m, fields: [m, m] },
    ),
  ]),
  oneStep(
    'poly-2, scaled',
    'poly',
    () => poly(2, { scale: 0.5 }),
    (z) => 1 + (z + z * z) / 2,
    { speed: 2, fields: [1, 2] },
  ),
  fractalRow('fractal of one column', { columns: 1 }, (z) => z),
  fractalRow('fractal of two columns', { columns: 2 }, two),
  fractalRow('fractal of three columns', {}, three),
  fractalRow('fractal with drop-path', { dropPath: { drop: 0.15, global: 0.5 } }, three),
  multiStep(
    'reversible',
    'reversible',
    () => reversible,
    (z, n) => twoTerms(2 + z * z, -1, 1 + z, n), // trace and determinant of [X, Y] -> [X', Y']
    { channels: 2, fields: [2, 2] },
  ),
  ...[0.9, 0.3].map(momentumRow),
  multiStep(
    'leapfrog',
    'leapfrog',
    () => leapfrog,
    (z, n) => twoTerms(2 + z, -1, 1 + z / 2, n),
    { order: undefined, zeroStable: false },
  ),
  multiStep(
    'midpoint',
    'midpoint',
    () => midpoint,
    (z, n) => twoTerms(2 * z, 1, 1 + z, n),
    { order: 2 },
  ),
  rk('heun', 2),
  rk('rk2', 2),
  rk('heun3', 3),
  rk('kutta3', 3),
  rk('rk4', 4),
  rk('rk4', 4, { share: true }),
  rk('rk38', 4),
  rk('gill4', 4),
  multiStep(
    'adamsBashforth2',
    'adamsBashforth2',
    () => adamsBashforth2,
    (z, n) => twoTerms(1 + 1.5 * z, -z / 2, 1 + z, n),
    { order: 2 },
  ),
];
