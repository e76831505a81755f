import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import type { NetworkConfig } from '../../src/models/network.ts';
import type { Scheme } from '../../src/roles.ts';
import { fractal } from '../../src/schemes/fractal.ts';
import { linearTwoStep } from '../../src/schemes/linearTwoStep.ts';
import { momentum } from '../../src/schemes/momentum.ts';
import { mpoly, poly, way } from '../../src/schemes/poly.ts';
import { reversible } from '../../src/schemes/reversible.ts';
import { rungeKutta } from '../../src/schemes/rungeKutta.ts';
import type { TableauName } from '../../src/schemes/tableaus.ts';
import { threeStep } from '../../src/schemes/threeStep.ts';
import { thrown } from '../support/errors.ts';
import { integrator, opaqueField, scalar } from '../support/graphs/nets.ts';

/** A value that the types forbid. */
const wrong = <T>(value: unknown): T => value as T;
const tableau = (a: readonly number[][], b: readonly number[]): Scheme => rungeKutta({ a, b });

describe('options of schemes', () => {
  it.each<[string, ErrorCode, () => unknown]>([
    ['an unknown granularity of k', 'ERR_CONFIG', () => linearTwoStep({ per: wrong('pixel') })],
    ['a range that is none', 'ERR_CONFIG', () => linearTwoStep({ init: [0, -1] })],
    ['an unknown way to store k', 'ERR_CONFIG', () => linearTwoStep({ parameterization: wrong('code') })],
    ['an unknown bound', 'ERR_CONFIG', () => linearTwoStep({ bounded: wrong('clip') })],
    ['an unknown scaling', 'ERR_CONFIG', () => linearTwoStep({ scaling: wrong('half') })],
    ['a bounded k outside (-1, 1)', 'ERR_CONFIG', () => linearTwoStep({ bounded: 'tanh', init: [-1, 0] })],
    [
      'a bounded k in the official form',
      'ERR_CONFIG',
      () => linearTwoStep({ bounded: 'tanh', parameterization: 'official' }),
    ],
    ['a double root at 1', 'ERR_CONFIG', () => threeStep({ c: 1 / 3 })],
    ['a root beyond -1', 'ERR_CONFIG', () => threeStep({ c: -0.9 })],
    ['no number c', 'ERR_CONFIG', () => threeStep({ c: Number.NaN })],
    ['no power', 'ERR_CONFIG', () => poly(0)],
    ['half a term', 'ERR_CONFIG', () => mpoly(1.5)],
    ['no way', 'ERR_CONFIG', () => way(-1)],
    ['an infinite scale', 'ERR_CONFIG', () => integrator(poly(2, { scale: () => 1 / 0 }), 1, opaqueField)],
    ['no column', 'ERR_CONFIG', () => fractal({ columns: 0 })],
    ['a drop probability above 1', 'ERR_CONFIG', () => fractal({ dropPath: { drop: 1.5 } })],
    ['a velocity that is never lost', 'ERR_CONFIG', () => momentum({ gamma: 1 })],
    ['a velocity that cannot be recovered', 'ERR_CONFIG', () => momentum({ gamma: 0 })],
    ['an unknown method', 'ERR_UNKNOWN_NAME', () => rungeKutta('rk5' as TableauName)],
    ['an implicit tableau', 'ERR_CONFIG', () => tableau([[1]], [1])],
    ['an empty tableau', 'ERR_CONFIG', () => tableau([], [])],
    ['weights that do not sum to 1', 'ERR_CONFIG', () => tableau([[], [1]], [0.5, 0.6])],
    ['a tableau with a number that is none', 'ERR_CONFIG', () => tableau([[], [Number.NaN]], [0.5, 0.5])],
    ['an odd number of channels to halve', 'ERR_SHAPE', () => integrator(reversible, 1, opaqueField)],
  ])('refuse %s', (_, code, make) => {
    expect(thrown(make).code).toBe(code);
  });

  it.each([-1, -9 / 5, -100, 0.34, 1, 100])('take the zero-stable member c = %d', (c) => {
    expect(threeStep({ c }).order).toBe(2);
  });
});

describe('a scheme of two variables', () => {
  const two: Partial<NetworkConfig> = {
    input: { ...scalar, channels: 2, mean: [0, 0], std: [1, 1] },
    stages: [{ width: 2, steps: 1, stride: 1 }],
  };

  it.each([reversible, momentum()])('refuses a state of one entry: $name', (scheme) => {
    const forgetful: Scheme = { ...scheme, enter: ([u]) => [u] };
    expect(thrown(() => integrator(forgetful, 1, opaqueField, two)).code).toBe('ERR_GRAPH');
  });
});
