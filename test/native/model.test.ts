/** The border of a native model: tensors in and out, and everything it must refuse without harm. */
import { describe, expect, it } from 'vitest';
import { conv2d } from '../../src/graph/functions.ts';
import { Graph, trace } from '../../src/graph/graph.ts';
import { constant } from '../../src/graph/inits.ts';
import type { GraphSpec } from '../../src/graph/spec.ts';
import { Model } from '../../src/model/model.ts';
import { network } from '../../src/models/network.ts';
import type { NativeModel, NativeSource } from '../../src/native/binding.ts';
import { addon } from '../support/addon.ts';
import { codeOf } from '../support/failures.ts';
import { uniform } from '../support/graphs/formula.ts';
import { thin } from '../support/graphs/nets.ts';
import { evaluationLoader, trainingLoader } from '../support/loader.ts';
import { chunkTable, counted, nativeModel, plainInput, randomSource, readAll } from '../support/natives.ts';
import { distance } from '../support/tensor.ts';

const graph = network(thin);
const cpu = { device: 'cpu', dtype: 'float32', seed: 0 } as const;
const made = (spec: unknown, options: object = {}): NativeModel =>
  new (addon().Model)(spec as GraphSpec, { ...cpu, ...options });
const sgd = { kind: 'sgd', nesterov: false, groups: [] } as const;

describe('a tensor', () => {
  const tensors = [...graph.params, ...graph.buffers];

  it('comes back as it was written, in float64 to the bit and in float32 rounded', async () => {
    for (const dtype of ['float64', 'float32'] as const) {
      const model = nativeModel(graph, dtype);
      const wanted = tensors.map(({ path, shape }) =>
        uniform(
          path,
          shape.reduce((a, b) => a * b, 1),
        ),
      );
      await Promise.all(
        tensors.map(({ path }, i) => model.writeTensor(path, 'value', wanted[i] ?? counted(0))),
      );
      const found = await readAll(graph, model);
      tensors.forEach(({ path }, i) => {
        const values = Array.from(wanted[i] ?? []);
        expect(found.get(path), path).toEqual(dtype === 'float32' ? values.map(Math.fround) : values);
      });
    }
  });

  it('is written from float32 too, and read in the precision of the model', async () => {
    const model = nativeModel(graph);
    await model.writeTensor('head.fc.bias', 'value', Float32Array.of(0.1, 0.2, 0.3, 0.4, 0.5));
    expect(await model.readTensor('head.fc.bias', 'value')).toEqual(
      Float64Array.from([0.1, 0.2, 0.3, 0.4, 0.5], Math.fround),
    );
    expect(await nativeModel(graph, 'float32').readTensor('head.fc.bias', 'value')).toBeInstanceOf(
      Float32Array,
    );
  });

  it('of a convolution lies as (out, in, height, width)', async () => {
    const one = trace('conv', plainInput(2, 1, 3), (s, x) =>
      conv2d(x, s.param('weight', [3, 2, 1, 2], constant(0), { kind: 'weight' })),
    );
    const model = nativeModel(one);
    await model.writeTensor('weight', 'value', counted(3 * 2 * 1 * 2));
    const x = Float64Array.of(1, 10, 100, 1000, 10_000, 100_000); // [w][c]
    const { output } = await model.vjp(x, 1, 1, 3, null, { training: false });
    const of = (o: number, at: number): number => {
      const w = (i: number, j: number): number => o * 4 + i * 2 + j + 1;
      return [0, 1].reduce(
        (sum, i) => sum + [0, 1].reduce((s, j) => s + w(i, j) * (x[(at + j) * 2 + i] ?? 0), 0),
        0,
      );
    };
    expect(Array.from(output.data)).toEqual([0, 1, 2].flatMap((o) => [of(o, 0), of(o, 1)]));
  });

  it('is copied: what the caller does to the array later changes nothing', async () => {
    const model = nativeModel(graph);
    const values = counted(5);
    const written = model.writeTensor('head.fc.bias', 'value', values);
    values.fill(9);
    await written;
    expect(await model.readTensor('head.fc.bias', 'value')).toEqual(counted(5));
  });

  it('has zero momentum and gradient before there are any', async () => {
    const model = nativeModel(graph);
    for (const set of ['momentum', 'gradient'] as const)
      expect(await model.readTensor('head.fc.bias', set)).toEqual(new Float64Array(5));
  });

  it.each([
    ['an unknown path', 'head.fc.bia', 'value', 5, 'ERR_UNKNOWN_NAME'],
    ['an empty path', '', 'value', 5, 'ERR_UNKNOWN_NAME'],
    ['the momentum of a statistic', 'head.bn.running_mean', 'momentum', 8, 'ERR_UNKNOWN_NAME'],
    ['an unknown set', 'head.fc.bias', 'velocity', 5, 'ERR_UNKNOWN_NAME'],
    ['one number too few', 'head.fc.bias', 'value', 4, 'ERR_SHAPE'],
    ['one too many', 'head.fc.bias', 'value', 6, 'ERR_SHAPE'],
    ['none', 'head.fc.bias', 'value', 0, 'ERR_SHAPE'],
  ] as const)('refuses %s', async (_, path, set, count, code) => {
    const model = nativeModel(graph);
    expect(await codeOf(() => model.writeTensor(path, set as 'value', counted(count)))).toBe(code);
    if (code === 'ERR_UNKNOWN_NAME')
      expect(await codeOf(() => model.readTensor(path, set as 'value'))).toBe(code);
  });
});

describe('a closed model', () => {
  it('refuses every call with ERR_CLOSED and holds nothing', async () => {
    const model = nativeModel(graph);
    const source = randomSource(graph, 4);
    expect(model.bytes).toBeGreaterThan(0);
    model.close();
    model.close();
    expect(model.bytes).toBe(0);
    const x = new Float64Array(192);
    const calls: readonly (() => unknown)[] = [
      () => model.predict(new Uint8Array(192), 1, 8, 8),
      () => model.evaluate(source, [evaluationLoader(graph.input, 2)], {}),
      () => model.vjp(x, 1, 8, 8, null, { training: false }),
      () => model.probe(new Uint8Array(192), 1, 8, 8, [0]),
      () => model.shapes(1, 8, 8),
      () => model.readTensor('head.fc.bias', 'value'),
      () => model.writeTensor('head.fc.bias', 'value', counted(5)),
      () => model.fill('momentum', 0),
      () => model.copy(nativeModel(graph), { from: 'value', into: 'value' }),
      () => nativeModel(graph).copy(model, { from: 'value', into: 'value' }),
      () =>
        new (addon().Trainer)(model, source, {
          loader: trainingLoader(graph.input, 2, 0),
          seed: 0,
          optimizer: sgd,
        }),
    ];
    for (const call of calls)
      expect(await codeOf(() => call() as Promise<unknown>), `${call}`).toBe('ERR_CLOSED');
  });

  it('still ends the jobs that were asked for before', async () => {
    const model = nativeModel(graph);
    const job = model.predict(new Uint8Array(192), 1, 8, 8);
    model.close();
    expect((await job).length).toBe(5);
  });

  it('has a source and a trainer that refuse alike', async () => {
    const model = nativeModel(graph);
    const source = randomSource(graph, 4);
    const trainer = new (addon().Trainer)(model, source, {
      loader: trainingLoader(graph.input, 2, 0),
      seed: 0,
      optimizer: sgd,
    });
    source.close();
    source.close();
    trainer.close();
    trainer.close();
    trainer.stop();
    expect(await codeOf(() => void source.name(0))).toBe('ERR_CLOSED');
    expect(await codeOf(() => model.evaluate(source, [evaluationLoader(graph.input, 2)], {}))).toBe(
      'ERR_CLOSED',
    );
    expect(await codeOf(() => trainer.run({ first: 0, table: chunkTable([{}]) }))).toBe('ERR_CLOSED');
    expect(await codeOf(() => void trainer.stepsPerEpoch)).toBe('ERR_CLOSED');
  });
});

describe('a foreign object', () => {
  const { Model: NativeClass, Source, Trainer } = addon();
  const model = nativeModel(graph);
  const source = randomSource(graph, 4);
  const trainer = new Trainer(model, source, {
    loader: trainingLoader(graph.input, 2, 0),
    seed: 0,
    optimizer: sgd,
  });
  const foreign: readonly unknown[] = [
    {},
    null,
    undefined,
    1,
    'model',
    () => {},
    trainer,
    Object.create(model),
    new Proxy(model, {}),
  ];

  it('is refused as a model', async () => {
    for (const other of [...foreign, source])
      expect(
        await codeOf(
          () =>
            void new Trainer(other as NativeModel, source, {
              loader: trainingLoader(graph.input, 2, 0),
              seed: 0,
              optimizer: sgd,
            }),
        ),
      ).toBe('ERR_CONFIG');
  });

  it('is refused as a source', async () => {
    for (const other of [...foreign, model]) {
      expect(
        await codeOf(
          () =>
            void new Trainer(model, other as NativeSource, {
              loader: trainingLoader(graph.input, 2, 0),
              seed: 0,
              optimizer: sgd,
            }),
        ),
      ).toBe('ERR_CONFIG');
      expect(
        await codeOf(() => model.evaluate(other as NativeSource, [evaluationLoader(graph.input, 2)], {})),
      ).toBe('ERR_CONFIG');
    }
  });

  it('is refused as the object a method is called on, and classes are not called without new', () => {
    for (const other of [...foreign, source])
      expect(() => NativeClass.prototype.shapes.call(other as NativeModel, 1, 8, 8)).toThrow();
    expect(() => Reflect.apply(NativeClass, undefined, [graph.toSpec(), cpu])).toThrow();
    expect(() => Reflect.construct(Source, [])).toThrow();
    expect(() => Reflect.construct(Trainer, [])).toThrow();
    expect(() => Reflect.construct(NativeClass, [])).toThrow();
  });
});

describe('the options of a model', () => {
  it.each([
    [{ device: 'cuda:7' }, 'ERR_DEVICE'],
    [{ device: 'mps' }, 'ERR_DEVICE'],
    [{ dtype: 'float16' }, 'ERR_CONFIG'],
    [{ seed: 1.5 }, 'ERR_GRAPH'],
    [{ device: 3 }, 'ERR_GRAPH'],
  ])('%j end with %s', async (options, code) => {
    expect(await codeOf(() => void made(graph.toSpec(), options))).toBe(code);
  });

  it('name a device that is not there with ERR_DEVICE in TypeScript too', async () => {
    expect(await codeOf(() => Model.create(graph, { device: 'cuda:7' }))).toBe('ERR_DEVICE');
  });
});

describe('an error born on the compute thread', () => {
  it('has the caller in its stack', async () => {
    const model = await Model.create(graph);
    const error: unknown = await model.writeTensor('head.fc.bias', counted(4)).catch((e: unknown) => e);
    expect(error).toMatchObject({
      name: 'LmError',
      code: 'ERR_SHAPE',
      stack: expect.stringContaining('model.test.ts'),
    });
    await model.close();
  });
});

describe('a graph reread from its plain data', () => {
  it('computes the same', async () => {
    const again = Graph.fromSpec(JSON.parse(JSON.stringify(graph.toSpec())));
    const pixels = Uint8Array.from(uniform('p', 384), (r) => 256 * r);
    const [a, b] = await Promise.all([graph, again].map((g) => nativeModel(g).predict(pixels, 2, 8, 8)));
    expect(distance(a ?? [], b ?? [0])).toBe(0);
  });
});
