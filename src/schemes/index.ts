/** The built-in schemes. */
export { adamsBashforth2 } from './adamsBashforth2.ts';
export { euler } from './euler.ts';
export { type FractalOptions, fractal, fractalTransition } from './fractal.ts';
export { leapfrog } from './leapfrog.ts';
export { type LinearTwoStepOptions, linearTwoStep } from './linearTwoStep.ts';
export { midpoint } from './midpoint.ts';
export { type MomentumOptions, momentum } from './momentum.ts';
export { mpoly, type PolyOptions, poly, way } from './poly.ts';
export { projected } from './projected.ts';
export { reversible } from './reversible.ts';
export { type RungeKuttaOptions, rungeKutta } from './rungeKutta.ts';
export { type Tableau, type TableauName, tableaus } from './tableaus.ts';
export { type ThreeStepOptions, threeStep } from './threeStep.ts';
