import { dropout } from '../../src/noise/dropout.ts';
import { gaussianNoise } from '../../src/noise/gaussianNoise.ts';
import type * as noises from '../../src/noise/index.ts';
import { shakeShake } from '../../src/noise/shakeShake.ts';
import { stochasticDepth } from '../../src/noise/stochasticDepth.ts';
import type { Noise } from '../../src/roles.ts';

/** One row per noise (and variant): drives the tests in noise.test.ts. */
export interface NoiseRow {
  readonly title: string;
  readonly name: keyof typeof noises;
  readonly noise: Noise;
  /** The operation that draws, on every f that is not exempt. */
  readonly op: string;
  /** Attributes of that operation. */
  readonly attrs: Readonly<Record<string, unknown>>;
  /** Functions drawn for every f. */
  readonly functions: number;
  /** Factor of f in evaluation, shared weights aside: 1 where the expectation is f. */
  readonly expectation: number;
}

const row = (
  title: string,
  name: NoiseRow['name'],
  noise: Noise,
  op: string,
  attrs: NoiseRow['attrs'],
  change: Partial<NoiseRow> = {},
): NoiseRow => ({ title, name, noise, op, attrs, functions: 1, expectation: 1, ...change });

const gate = { law: 'bernoulli', scale: 'train', per: 'batch' };
const constant = { last: 0.8, rule: 'constant' } as const;

export const table: readonly NoiseRow[] = [
  row('stochastic depth', 'stochasticDepth', stochasticDepth(), 'mix', gate),
  row('stochastic depth per image', 'stochasticDepth', stochasticDepth({ per: 'sample' }), 'mix', {
    ...gate,
    per: 'sample',
  }),
  row('constant stochastic depth', 'stochasticDepth', stochasticDepth(constant), 'mix', {
    ...gate,
    keep: 0.8,
  }),
  row(
    'constant stochastic depth, scaled in evaluation',
    'stochasticDepth',
    stochasticDepth({ ...constant, scale: 'test' }),
    'mix',
    { ...gate, keep: 0.8, scale: 'test' },
    { expectation: 0.8 },
  ),
  row(
    'shake-shake',
    'shakeShake',
    shakeShake(),
    'mix',
    { law: 'shake', backward: 'uniform', per: 'sample' },
    { functions: 2 },
  ),
  row(
    'shake-shake per batch, even backwards',
    'shakeShake',
    shakeShake({ backward: 'even', per: 'batch' }),
    'mix',
    { law: 'shake', backward: 'even', per: 'batch' },
    { functions: 2 },
  ),
  row('Gaussian noise', 'gaussianNoise', gaussianNoise({ std: 0.1 }), 'gaussianNoise', { std: 0.1 }),
  row('dropout', 'dropout', dropout({ p: 0.3 }), 'dropout', { p: 0.3 }),
];
