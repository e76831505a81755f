/** Chunks of steps: what a run depends on, how it ends, and what runs beside it. */
import { describe, expect, it } from 'vitest';
import { globalAvgPool } from '../../../src/graph/functions.ts';
import { type Graph, trace } from '../../../src/graph/graph.ts';
import { network } from '../../../src/models/network.ts';
import type { Dtype, NativeModel, NativeStepTable, NativeTrainer } from '../../../src/native/binding.ts';
import { linear } from '../../../src/nn/layers.ts';
import { optimizerSpec } from '../../../src/train/optimizer/spec.ts';
import { trainSchema } from '../../../src/train/options.ts';
import { addon } from '../../support/addon.ts';
import { codeOf } from '../../support/failures.ts';
import { uniform } from '../../support/graphs/formula.ts';
import { thin } from '../../support/graphs/nets.ts';
import { evaluationLoader, trainingLoader } from '../../support/loader.ts';
import { chunkTable, nativeModel, plainInput, randomSource, readAll } from '../../support/natives.ts';

const graph = network(thin);
const optimizer = optimizerSpec(graph.params, trainSchema.parse({}));
const [images, batch] = [14, 4]; // 3 steps an epoch, and a tail

function trainerOf(model: NativeModel, seed = 0): NativeTrainer {
  return new (addon().Trainer)(model, randomSource(graph, images), {
    loader: trainingLoader(graph.input, batch, seed),
    seed,
    optimizer,
  });
}

/** Steps `from` to `to - 1` with a falling rate, momentum and decay; the rates of some replaced. */
function rows(from: number, to: number, rates: Readonly<Record<number, number>> = {}): NativeStepTable {
  const row = (step: number) => ({
    lr: rates[step] ?? 0.1 / (1 + step / 4),
    momentum: 0.9,
    weightDecay: 1e-3,
  });
  return chunkTable(Array.from({ length: to - from }, (_, i) => row(from + i)));
}

const table = (steps: number): NativeStepTable => rows(0, steps);
const endless = table(100_000);

interface State {
  readonly values: ReadonlyMap<string, number[]>;
  readonly momentum: ReadonlyMap<string, number[]>;
}

/** All that a step changes. */
async function stateOf(model: NativeModel): Promise<State> {
  const momentum = await Promise.all(
    graph.params.map(
      async ({ path }) => [path, Array.from(await model.readTensor(path, 'momentum'))] as const,
    ),
  );
  return { values: await readAll(graph, model), momentum: new Map(momentum) };
}

async function stateAfter(steps: number, dtype: Dtype = 'float32', seed = 0): Promise<State> {
  const model = nativeModel(graph, dtype);
  await trainerOf(model, seed).run({ first: 0, table: rows(0, steps) });
  return stateOf(model);
}

describe.each(['float32', 'float64'] as const)('ten steps in %s', (dtype) => {
  it('give the same bits in one chunk, in ten, and for the same seed again', async () => {
    const whole = await stateAfter(10, dtype);
    const model = nativeModel(graph, dtype);
    const trainer = trainerOf(model);
    for (let i = 0; i < 10; i++) await trainer.run({ first: i, table: rows(i, i + 1) });
    expect(await stateOf(model)).toEqual(whole);
    expect(await stateAfter(10, dtype)).toEqual(whole);
    expect(await stateAfter(10, dtype, 1)).not.toEqual(whole);
  });

  it('give the same bits when another trainer goes on, also on another model with the same tensors', async () => {
    const whole = await stateAfter(10, dtype);
    const first = nativeModel(graph, dtype);
    await trainerOf(first).run({ first: 0, table: rows(0, 5) });
    const { values, momentum } = await stateOf(first);
    const second = nativeModel(graph, dtype, 99);
    for (const [path, of] of values) await second.writeTensor(path, 'value', Float64Array.from(of));
    for (const [path, of] of momentum) await second.writeTensor(path, 'momentum', Float64Array.from(of));
    for (const model of [first, second]) {
      await trainerOf(model).run({ first: 5, table: rows(5, 10) });
      expect(await stateOf(model)).toEqual(whole);
    }
  });
});

describe('a chunk', () => {
  it('of no steps changes nothing', async () => {
    const model = nativeModel(graph);
    const before = await stateOf(model);
    expect(await trainerOf(model).run({ first: 0, table: table(0) })).toMatchObject({
      steps: 0,
      samples: 0,
      notFinite: null,
    });
    expect(await stateOf(model)).toEqual(before);
  });

  it('counts what it did: steps, losses, samples, right guesses', async () => {
    const result = await trainerOf(nativeModel(graph)).run({ first: 0, table: table(5) });
    expect(result).toMatchObject({ steps: 5, samples: 20, notFinite: null });
    expect(result.losses.length).toBe(5);
    expect(result.losses.every(Number.isFinite)).toBe(true);
    expect(result.correct1).toBeLessThanOrEqual(result.correct5);
    expect(result.correct5).toBe(20); // of 5 classes
  });

  it('that is stopped ends early, and the model is where that many steps lead', async () => {
    const model = nativeModel(graph, 'float32');
    const trainer = trainerOf(model);
    const running = trainer.run({ first: 0, table: endless });
    await model.predict(new Uint8Array(192), 1, 8, 8);
    trainer.stop();
    const { steps, losses, samples, notFinite } = await running;
    expect(steps).toBeGreaterThan(0);
    expect(steps).toBeLessThan(100_000);
    expect([losses.length, samples, notFinite]).toEqual([steps, steps * batch, null]);
    expect(await stateOf(model)).toEqual(await stateAfter(steps));
  });

  it('ends when its trainer or its model is closed meanwhile, the first at once, the second in the end', async () => {
    const model = nativeModel(graph, 'float32');
    const trainer = trainerOf(model);
    const running = trainer.run({ first: 0, table: endless });
    await model.predict(new Uint8Array(192), 1, 8, 8);
    trainer.close();
    expect((await running).steps).toBeLessThan(100_000);
    const other = trainerOf(model);
    const second = other.run({ first: 0, table: table(3) });
    model.close();
    expect((await second).steps).toBe(3);
  });

  it.each([
    ['numbers for its table', { first: 0, table: Float64Array.of(1, 2, 3, 4, 5) }, 'ERR_CONFIG'],
    ['a column too few', { first: 0, table: { ...table(1), lr: undefined } }, 'ERR_CONFIG'],
    ['a column too many', { first: 0, table: { ...table(1), beta2: Float64Array.of(1) } }, 'ERR_CONFIG'],
    [
      'a column of other length',
      { first: 0, table: { ...table(2), momentum: new Float64Array(1) } },
      'ERR_CONFIG',
    ],
    ['a step before the first', { first: -1, table: table(1) }, 'ERR_CONFIG'],
    ['half a step', { first: 0.5, table: table(1) }, 'ERR_CONFIG'],
    ['another array', { first: 0, table: { ...table(1), lr: Float32Array.of(1) } }, 'ERR_CONFIG'],
    ['an empty first column', { first: 0, table: { ...table(2), lr: new Float64Array() } }, 'ERR_CONFIG'],
    ['no table', { first: 0 }, 'ERR_CONFIG'],
    ['null for a table', { first: 0, table: null }, 'ERR_CONFIG'],
  ])('with %s is refused', async (_, chunk, code) => {
    const trainer = trainerOf(nativeModel(graph));
    expect(await codeOf(() => trainer.run(chunk as never))).toBe(code);
  });
});

describe('a step that is not finite', () => {
  it.each([
    ['stem.conv.weight', 'stem.conv'],
    ['stage1.step1.f0.bn1.weight', 'stage1.step1.f0.bn1'],
    ['stage1.step2.k', 'stage1.step2'],
    ['stage2.step2.f0.conv2.weight', 'stage2.step2.f0.conv2'],
    ['head.fc.bias', 'head.fc'],
  ])('for a NaN in %s names %s and changes nothing', async (path, layer) => {
    for (const dtype of ['float32', 'float64'] as const) {
      const model = nativeModel(graph, dtype);
      const trainer = trainerOf(model);
      await trainer.run({ first: 0, table: rows(0, 2) });
      const values = await model.readTensor(path, 'value');
      values[0] = Number.NaN;
      await model.writeTensor(path, 'value', values);
      const before = await stateOf(model);
      const result = await trainer.run({ first: 2, table: rows(2, 6) });
      expect(result).toMatchObject({ steps: 0, notFinite: layer, samples: 0, correct1: 0 });
      expect(await stateOf(model)).toEqual(before);
    }
  });

  it('after good ones ends the chunk with the state of the last good one', async () => {
    const overflowing = { 2: 1e25 }; // the step after this one overflows
    const model = nativeModel(graph, 'float32');
    const { steps, losses, notFinite } = await trainerOf(model).run({
      first: 0,
      table: rows(0, 8, overflowing),
    });
    expect(steps).toBe(3);
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(notFinite).not.toBeNull();
    const twin = nativeModel(graph, 'float32');
    await trainerOf(twin).run({ first: 0, table: rows(0, 3, overflowing) });
    expect(await stateOf(model)).toEqual(await stateOf(twin));
  });

  it('does not stop a later run with good weights', async () => {
    const model = nativeModel(graph);
    const trainer = trainerOf(model);
    const good = await model.readTensor('head.fc.bias', 'value');
    await model.writeTensor(
      'head.fc.bias',
      'value',
      good.map(() => Number.NaN),
    );
    expect((await trainer.run({ first: 0, table: rows(0, 2) })).notFinite).toBe('head.fc');
    await model.writeTensor('head.fc.bias', 'value', good);
    await trainer.run({ first: 0, table: rows(0, 4) });
    expect(await stateOf(model)).toEqual(await stateAfter(4, 'float64'));
  });
});

describe('data that do not fit the model', () => {
  const other = (channels: number, classes: number): Graph =>
    trace('other', plainInput(channels, 8, 8), (s, x) =>
      linear(s, { in: channels, out: classes })(globalAvgPool(x)),
    );

  it.each([
    ['labels beyond the classes', other(3, 5), randomSource(graph, 8, 6), 'ERR_SHAPE'],
    ['other channels', other(1, 5), randomSource(graph, 8), 'ERR_SHAPE'],
  ] as const)('(%s) are refused in training and evaluation', async (_, net, source, code) => {
    const model = nativeModel(net);
    const trainer = new (addon().Trainer)(model, source, {
      loader: trainingLoader(graph.input, 2),
      seed: 0,
      optimizer: { ...optimizer, groups: [] },
    });
    expect(await codeOf(trainer.run({ first: 0, table: table(1) }))).toBe(code);
    expect(await codeOf(model.evaluate(source, [evaluationLoader(graph.input, 2)], {}))).toBe(code);
  });

  it('are refused when there are fewer than one batch, or the batch is none', async () => {
    const model = nativeModel(graph);
    const of = (size: number): NativeTrainer =>
      new (addon().Trainer)(model, randomSource(graph, 3), {
        loader: trainingLoader(graph.input, size, 0),
        seed: 0,
        optimizer,
      });
    expect(await codeOf(() => void of(4))).toBe('ERR_DATASET');
    for (const size of [0, -1]) expect(await codeOf(() => void of(size))).toBe('ERR_CONFIG');
    expect(
      await codeOf(() => model.evaluate(randomSource(graph, 3), [evaluationLoader(graph.input, 0)], {})),
    ).toBe('ERR_CONFIG');
  });

  it.each([
    ['fewer images than labels', { images: new Uint8Array(3) }, 'ERR_DATASET'],
    ['no images', { images: new Uint8Array(), labels: new Int32Array() }, 'ERR_DATASET'],
    ['a negative label', { labels: Int32Array.of(0, -1) }, 'ERR_DATASET'],
    [
      'sizes whose product is beyond 64 bits',
      { images: new Uint8Array(), height: 2 ** 32, width: 2 ** 32 },
      'ERR_DATASET',
    ],
    ['a negative size', { height: -2, width: -2 }, 'ERR_DATASET'],
    ['another kind', { kind: 'folder' }, 'ERR_CONFIG'],
    ['labels of another type', { labels: [0, 1] }, 'ERR_CONFIG'],
  ])('are refused with %s', async (_, change, code) => {
    const spec = {
      kind: 'memory',
      images: new Uint8Array(8),
      labels: Int32Array.of(0, 1),
      height: 2,
      width: 2,
      channels: 1,
    };
    expect(await codeOf(() => void new (addon().Source)({ ...spec, ...change } as never))).toBe(code);
  });
});

describe('a long chunk', () => {
  it('lets predictions, tensors and gradients of its own and of another model pass between its steps', async () => {
    const [model, other] = [nativeModel(graph, 'float32'), nativeModel(graph, 'float32', 1)];
    const trainer = trainerOf(model);
    let ended = false;
    const running = trainer.run({ first: 0, table: endless }).finally(() => {
      ended = true;
    });
    const pixels = Uint8Array.from(uniform('p', 192), (r) => 256 * r);
    const wanted = await nativeModel(graph, 'float32', 1).predict(pixels, 1, 8, 8);
    for (let i = 0; i < 3; i++) {
      expect(await other.predict(pixels, 1, 8, 8)).toEqual(wanted);
      await Promise.all([model.predict(pixels, 1, 8, 8), model.readTensor('head.fc.bias', 'value')]);
      await model.vjp(new Float64Array(384), 2, 8, 8, new Float64Array(10).fill(1), { training: true });
    }
    expect(ended).toBe(false);
    trainer.stop();
    const { steps } = await running;
    expect(await stateOf(model)).toEqual(await stateAfter(steps));
  });
});
