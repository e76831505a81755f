/** Names of the built-in schemes, for configuration files and the command line. */
import { relu } from '../graph/functions.ts';
import type { Fn, Scheme } from '../roles.ts';
import { adamsBashforth2 } from './adamsBashforth2.ts';
import { euler } from './euler.ts';
import { fractal } from './fractal.ts';
import { leapfrog } from './leapfrog.ts';
import { linearTwoStep } from './linearTwoStep.ts';
import { midpoint } from './midpoint.ts';
import { momentum } from './momentum.ts';
import { mpoly, type PolyOptions, poly, way } from './poly.ts';
import { projected } from './projected.ts';
import { reversible } from './reversible.ts';
import { type RungeKuttaOptions, rungeKutta } from './rungeKutta.ts';
import { threeStep } from './threeStep.ts';

type PolyMaker = (options?: PolyOptions & { readonly m?: number }) => Scheme;
type RungeKuttaMaker = (options?: RungeKuttaOptions) => Scheme;

/** Built-in schemes by name; each entry makes one from its options. */
export const schemes: {
  readonly euler: () => Scheme;
  /** Defaults: Euler and relu, ResNet v1. */
  readonly projected: (options?: { readonly scheme?: Scheme; readonly project?: Fn }) => Scheme;
  readonly linearTwoStep: typeof linearTwoStep;
  readonly threeStep: typeof threeStep;
  readonly poly: PolyMaker;
  readonly mpoly: PolyMaker;
  readonly way: PolyMaker;
  readonly fractal: typeof fractal;
  readonly reversible: () => Scheme;
  readonly momentum: typeof momentum;
  readonly leapfrog: () => Scheme;
  readonly midpoint: () => Scheme;
  readonly heun: RungeKuttaMaker;
  readonly rk2: RungeKuttaMaker;
  readonly heun3: RungeKuttaMaker;
  readonly kutta3: RungeKuttaMaker;
  readonly rk4: RungeKuttaMaker;
  readonly rk38: RungeKuttaMaker;
  readonly gill4: RungeKuttaMaker;
  readonly adamsBashforth2: () => Scheme;
} = {
  euler: () => euler,
  projected: ({ scheme = euler, project = relu } = {}) => projected(scheme, project),
  linearTwoStep,
  threeStep,
  poly: ({ m, ...options } = {}) => poly(m, options),
  mpoly: ({ m, ...options } = {}) => mpoly(m, options),
  way: ({ m, ...options } = {}) => way(m, options),
  fractal,
  reversible: () => reversible,
  momentum,
  leapfrog: () => leapfrog,
  midpoint: () => midpoint,
  heun: (options) => rungeKutta('heun', options),
  rk2: (options) => rungeKutta('rk2', options),
  heun3: (options) => rungeKutta('heun3', options),
  kutta3: (options) => rungeKutta('kutta3', options),
  rk4: (options) => rungeKutta('rk4', options),
  rk38: (options) => rungeKutta('rk38', options),
  gill4: (options) => rungeKutta('gill4', options),
  adamsBashforth2: () => adamsBashforth2,
};

/** Name of a built-in scheme. */
export type SchemeName = keyof typeof schemes;
