import type { Scheme } from '../../src/roles.ts';
import { euler } from '../../src/schemes/euler.ts';
import type { SchemeName } from '../../src/schemes/index.ts';
import { linearTwoStep } from '../../src/schemes/linearTwoStep.ts';

/** One row per scheme (and variant): drives every test in schemes.test.ts. */
export interface SchemeRow {
  readonly title: string;
  readonly name: SchemeName;
  readonly make: () => Scheme;
  /** Value of every learned parameter. */
  readonly param?: number;
  /** u_n for f(u) = z·u and u_0 = 1, from the theory. */
  readonly solution: (z: number, n: number) => number;
  /** The scheme integrates speed·u' = f. */
  readonly speed: number;
  /** Order of convergence, once f is scaled by `speed`. */
  readonly order: number;
  /** Learned parameters in a stage of n steps. */
  readonly learned: (n: number) => number;
}

/** Two-step recursion by its characteristic roots r² = (1 - k + z) r + k, started by one Euler step. */
function twoStep(k: number): SchemeRow['solution'] {
  return (z, n) => {
    const half = (1 - k + z) / 2;
    const square = half * half + k;
    if (square < 0) return spiral(half, Math.sqrt(-square), 1 + z, n);
    const root = Math.sqrt(square);
    const [r, s] = [half + root, half - root];
    const a = (1 + z - s) / (r - s);
    return a * r ** n + (1 - a) * s ** n;
  };
}

/** The same for complex roots a ± bi: u_n = rho^n (cos n·phi + c sin n·phi) with u_1 given. */
function spiral(a: number, b: number, u1: number, n: number): number {
  const phi = Math.atan2(b, a);
  return Math.hypot(a, b) ** n * (Math.cos(n * phi) + ((u1 - a) / b) * Math.sin(n * phi));
}

const lm = (k: number, title = `linearTwoStep, k = ${k}`): SchemeRow => ({
  title,
  name: 'linearTwoStep',
  make: () => linearTwoStep(),
  param: k,
  solution: twoStep(k),
  speed: 1 + k,
  order: 1,
  learned: (n) => n - 1,
});

export const table: readonly SchemeRow[] = [
  {
    title: 'euler',
    name: 'euler',
    make: () => euler,
    solution: (z, n) => (1 + z) ** n,
    speed: 1,
    order: 1,
    learned: () => 0,
  },
  lm(-0.4),
  lm(0),
  lm(0.3),
  lm(0.8),
  { ...lm(0.3, 'linearTwoStep as the official code stores it'), make: official, param: 0.7 },
  { ...lm(-0.2, 'linearTwoStep per channel'), make: () => linearTwoStep({ per: 'channel' }) },
];

function official(): Scheme {
  return linearTwoStep({ parameterization: 'official' });
}
