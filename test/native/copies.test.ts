/** Sets of tensors that are filled with a number, or copied from others, on the device. */
import { describe, expect, it } from 'vitest';
import { conv2d, lin } from '../../src/graph/functions.ts';
import { type Graph, trace } from '../../src/graph/graph.ts';
import { constant } from '../../src/graph/inits.ts';
import type { Param } from '../../src/graph/node.ts';
import { network } from '../../src/models/network.ts';
import type { NativeModel, TensorSet } from '../../src/native/binding.ts';
import { codeOf } from '../support/failures.ts';
import { thin } from '../support/graphs/nets.ts';
import { nativeModel, plainInput, randomTensors, writeAll } from '../support/natives.ts';

const graph = network({ ...thin, classes: 5 });
const params = graph.params.map(({ path }) => path);
const statistics = graph.buffers.map(({ path }) => path);
const pixels = Uint8Array.from({ length: 192 }, (_, i) => (37 * i) % 256);

/** A model whose weights and statistics are all different, but the same every time. */
async function filled(dtype: 'float32' | 'float64' = 'float64'): Promise<NativeModel> {
  const model = nativeModel(graph, dtype);
  await writeAll(model, randomTensors(graph));
  return model;
}

function valuesOf(model: NativeModel, paths: readonly string[], set: TensorSet): Promise<number[][]> {
  return Promise.all(paths.map(async (path) => Array.from(await model.readTensor(path, set))));
}

describe('a set of tensors that is filled', () => {
  it.each([
    { set: 'momentum', paths: params },
    { set: 'secondMoment', paths: params },
    { set: 'gradient', paths: params },
    { set: 'ema', paths: [...params, ...statistics] },
    { set: 'value', paths: [...params, ...statistics] },
  ] as const)('has the number everywhere, and no other set has: $set', async ({ set, paths }) => {
    const model = await filled();
    const before = await valuesOf(model, params, 'value');
    for (const number of [0.375, 0]) {
      await model.fill(set, number);
      for (const values of await valuesOf(model, paths, set))
        expect(values).toEqual(Array(values.length).fill(number));
    }
    if (set !== 'value') expect(await valuesOf(model, params, 'value')).toEqual(before);
    if (set !== 'momentum')
      expect((await valuesOf(model, params, 'momentum')).flat().every((v) => v === 0)).toBe(true);
  });

  it.each([
    ['an unknown set', 'velocity', 0, 'ERR_UNKNOWN_NAME'],
    ['no number', 'momentum', '0', 'ERR_CONFIG'],
  ] as const)('is refused: %s', async (_, set, value, code) => {
    expect(await codeOf(() => nativeModel(graph).fill(set as TensorSet, value as number))).toBe(code);
  });
});

describe('a set of tensors that is copied', () => {
  it('within a model is its own afterwards', async () => {
    const model = await filled();
    const all = [...params, ...statistics];
    const before = await valuesOf(model, all, 'value');
    await model.copy(model, { from: 'value', into: 'ema' });
    expect(await valuesOf(model, all, 'ema')).toEqual(before);
    expect(await model.predict(pixels, 1, 8, 8, 'ema')).toEqual(await model.predict(pixels, 1, 8, 8));
    await model.fill('value', 0);
    expect(await valuesOf(model, all, 'ema')).toEqual(before);
  });

  it.each([
    { set: 'momentum', paths: params },
    { set: 'value', paths: [...params, ...statistics] },
  ] as const)('comes from another model, to the bit: $set', async ({ set, paths }) => {
    const [from, into] = [await filled('float32'), nativeModel(graph, 'float32')];
    await from.copy(from, { from: 'value', into: 'momentum' });
    await into.copy(from, { from: set, into: set });
    expect(await valuesOf(into, paths, set)).toEqual(await valuesOf(from, paths, set));
  });

  it('is what half precision predicts with', async () => {
    const [from, into] = [await filled('float32'), nativeModel(graph, 'float32')];
    const predict = (model: NativeModel): Promise<Float32Array> =>
      model.predict(pixels, 1, 8, 8, 'value', 'bfloat16');
    const before = await predict(into);
    await into.copy(from, { from: 'value', into: 'value' });
    expect(await predict(into)).toEqual(await predict(from));
    expect(await predict(into)).not.toEqual(before);
  });
});

describe('single tensors that are copied', () => {
  /** A net of convolutions side by side, whose weights are three numbers each, and one more behind them. */
  const net = (names: readonly string[], behind: readonly string[] = []): Graph =>
    trace('net', plainInput(1, 1, 1), (s, x) => {
      const weight = (name: string, out: number, from: number): Param =>
        s.param(name, [out, from, 1, 1], constant(0), { kind: 'weight' });
      const sum = lin(...names.map((name) => [1, conv2d(x, weight(name, 3, 1))] as const));
      return behind.reduce((u, name) => conv2d(u, weight(name, 3, 3)), sum);
    });

  it('take the paths that are asked for, and leave the others', async () => {
    const [from, into] = [nativeModel(net(['a', 'b'])), nativeModel(net(['c', 'd', 'e']))];
    await from.writeTensor('a', 'value', Float64Array.of(1, 2, 3));
    await from.writeTensor('b', 'value', Float64Array.of(4, 5, 6));
    await into.copy(from, { from: 'value', into: 'value', paths: { e: 'a', c: 'a', d: 'b' } });
    expect(await valuesOf(into, ['c', 'd', 'e'], 'value')).toEqual([
      [1, 2, 3],
      [4, 5, 6],
      [1, 2, 3],
    ]);
    await into.copy(from, { from: 'value', into: 'value', paths: { c: 'b' } });
    expect(await valuesOf(into, ['c', 'd', 'e'], 'value')).toEqual([
      [4, 5, 6],
      [4, 5, 6],
      [1, 2, 3],
    ]);
  });

  it.each([
    ['an unknown path here', { z: 'a' }, {}, 'ERR_UNKNOWN_NAME'],
    ['an unknown path there', { a: 'z' }, {}, 'ERR_UNKNOWN_NAME'],
    ['another shape', { a: 'b', b: 'long' }, {}, 'ERR_SHAPE'],
    ['an unknown set', { a: 'a' }, { from: 'velocity' }, 'ERR_UNKNOWN_NAME'],
    ['an average that nobody made', { a: 'a' }, { from: 'ema' }, 'ERR_UNKNOWN_NAME'],
  ] as const)('are refused as a whole with %s', async (_, paths, sets, code) => {
    const [from, into] = [nativeModel(net(['a', 'b'], ['long'])), nativeModel(net(['a', 'b']))];
    await from.fill('value', 1);
    const tensors = { from: 'value', into: 'value', paths, ...sets } as Parameters<NativeModel['copy']>[1];
    expect(await codeOf(() => into.copy(from, tensors))).toBe(code);
    expect((await valuesOf(into, ['a', 'b'], 'value')).flat()).toEqual(Array(6).fill(0));
  });

  it('are refused of what is no model', async () => {
    const model = nativeModel(graph);
    expect(await codeOf(() => model.copy({} as NativeModel, { from: 'value', into: 'value' }))).toBe(
      'ERR_CONFIG',
    );
  });
});
