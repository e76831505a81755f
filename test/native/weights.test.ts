/** Initial weights: their laws, and that they depend on the seed and their own path alone. */
import { describe, expect, it } from 'vitest';
import { conv2d, globalAvgPool } from '../../src/graph/functions.ts';
import { type Graph, trace } from '../../src/graph/graph.ts';
import { uniform } from '../../src/graph/inits.ts';
import type { Scope } from '../../src/graph/scope.ts';
import { network } from '../../src/models/network.ts';
import { conv, linear, norm } from '../../src/nn/layers.ts';
import type { Fn } from '../../src/roles.ts';
import { thin } from '../support/graphs/nets.ts';
import { nativeModel, plainInput, readAll } from '../support/natives.ts';

/** Layers in a row, then a linear one with 40 outputs. */
function net(...layers: readonly ((s: Scope) => Fn)[]): Graph {
  return trace('net', plainInput(16, 4, 4), (s, x) => {
    const fns = layers.map((layer) => layer(s));
    return linear(s.at('fc'), { in: 16, out: 40 })(globalAvgPool(fns.reduce((u, fn) => fn(u), x)));
  });
}

const conv3 = (s: Scope): Fn => conv(s.at('conv'), { in: 16, out: 16, kernel: 3 });
const learned = (s: Scope): Fn => {
  const k = s.at('k').param('weight', [16, 16, 3, 3], uniform(-0.1, 0));
  return (u) => conv2d(u, k, { padding: 1 });
};
const normed = (s: Scope): Fn => norm(s.at('bn'), 16);

interface Moments {
  readonly mean: number;
  readonly deviation: number;
  readonly skew: number;
  readonly kurtosis: number;
  readonly low: number;
  readonly high: number;
}

function momentsOf(values: readonly number[]): Moments {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const about = (power: number): number =>
    values.reduce((sum, v) => sum + (v - mean) ** power, 0) / values.length;
  const deviation = Math.sqrt(about(2));
  const [skew, kurtosis] = [about(3) / deviation ** 3, about(4) / deviation ** 4];
  return { mean, deviation, skew, kurtosis, low: Math.min(...values), high: Math.max(...values) };
}

interface Law extends Omit<Moments, 'low' | 'high'> {
  readonly path: string;
  readonly range: readonly [number, number];
}

const he = Math.sqrt(2 / (3 * 3 * 16));
const flat = (low: number, high: number): Omit<Law, 'path'> => ({
  mean: (low + high) / 2,
  deviation: (high - low) / Math.sqrt(12),
  skew: 0,
  kurtosis: 9 / 5,
  range: [low, high],
});
const laws: readonly Law[] = [
  { path: 'conv.weight', mean: 0, deviation: he, skew: 0, kurtosis: 3, range: [-6 * he, 6 * he] },
  { path: 'k.weight', ...flat(-0.1, 0) },
  { path: 'fc.weight', ...flat(-1 / 4, 1 / 4) },
];

describe('initial weights', () => {
  const graph = net(conv3, learned, normed);

  // Five standard errors of each estimate; the seed is fixed, so this passes always or never.
  it.each(laws)('of $path have the moments and range of their law', async ({ path, range, ...law }) => {
    const values = Array.from(await nativeModel(graph).readTensor(path, 'value'));
    const found = momentsOf(values);
    const error = 5 / Math.sqrt(values.length);
    expect(Math.abs(found.mean - law.mean)).toBeLessThan(error * law.deviation);
    expect(Math.abs(found.deviation / law.deviation - 1)).toBeLessThan(
      error * Math.sqrt((law.kurtosis - 1) / 4),
    );
    expect(Math.abs(found.skew)).toBeLessThan(error * Math.sqrt(6));
    expect(Math.abs(found.kurtosis - law.kurtosis)).toBeLessThan(error * Math.sqrt(24));
    expect(found.low).toBeGreaterThanOrEqual(range[0]);
    expect(found.high).toBeLessThan(range[1]);
    expect(new Set(values).size).toBe(values.length);
  });

  it('of a norm are one and zero, its statistics zero and one', async () => {
    const tensors = await readAll(graph, nativeModel(graph));
    for (const [name, value] of Object.entries({ weight: 1, bias: 0, running_mean: 0, running_var: 1 }))
      expect(tensors.get(`bn.${name}`)).toEqual(Array(16).fill(value));
  });

  it('are zero without a seed, the statistics still at their start', async () => {
    const model = nativeModel(graph, 'float32', null);
    const all = await readAll(graph, model);
    for (const { path } of graph.params)
      expect(
        all.get(path)?.every((value) => value === 0),
        path,
      ).toBe(true);
    expect(all.get('bn.running_var')).toEqual(Array(16).fill(1));
  });

  it('have the same bits for the same seed, and others for another', async () => {
    const drawn = (seed: number): Promise<Map<string, number[]>> =>
      readAll(graph, nativeModel(graph, 'float64', seed));
    const [one, again, other] = await Promise.all([drawn(7), drawn(7), drawn(8)]);
    expect(one).toEqual(again);
    for (const { path } of laws)
      expect(
        one?.get(path)?.filter((value, i) => value === other?.get(path)?.[i]),
        path,
      ).toEqual([]);
  });

  it.each([0, 1, 2 ** 32, 2 ** 53 - 1])('can be drawn from the seed %d', async (seed) => {
    const values = await nativeModel(graph, 'float64', seed).readTensor('k.weight', 'value');
    expect(values.every((value) => value >= -0.1 && value < 0)).toBe(true);
  });

  it('of equal shape and law differ between paths', async () => {
    const two = net(
      (s) => conv(s.at('a'), { in: 16, out: 16, kernel: 3 }),
      (s) => conv(s.at('b'), { in: 16, out: 16, kernel: 3 }),
    );
    const all = await readAll(two, nativeModel(two));
    const [a = [], b = []] = [all.get('a.weight'), all.get('b.weight')];
    expect(a.filter((value, i) => value === b[i])).toEqual([]);
  });

  it('depend neither on the order in which layers are made nor on other layers', async () => {
    const graphs = [net(conv3, learned, normed), net(normed, learned, conv3), net(conv3)];
    const [first, turned, alone] = await Promise.all(graphs.map((g) => readAll(g, nativeModel(g))));
    for (const path of ['conv.weight', 'fc.weight', 'fc.bias']) {
      expect(turned?.get(path)).toEqual(first?.get(path));
      expect(alone?.get(path)).toEqual(first?.get(path));
    }
    expect(turned?.get('k.weight')).toEqual(first?.get('k.weight'));
  });

  it('in float32 are those of float64, rounded', async () => {
    const whole = network(thin);
    const [double, single] = await Promise.all(
      (['float64', 'float32'] as const).map((dtype) => readAll(whole, nativeModel(whole, dtype))),
    );
    for (const [path, values] of double ?? [])
      expect(single?.get(path), path).toEqual(values.map(Math.fround));
  });
});
