import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createModel } from '../../src/createModel.ts';
import { LmError } from '../../src/errors.ts';
import { copyOf, Model } from '../../src/model/model.ts';
import { predictions } from '../../src/model/predictions.ts';
import { preset } from '../../src/models/presets.ts';
import type { NativeAddon, NativeModel } from '../../src/native/binding.ts';
import { native } from '../../src/native/load.ts';
import { wholeImage } from '../../src/transforms/preprocessing.ts';
import { thrown } from '../support/errors.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { noiseBytes } from '../support/noise.ts';
import { noise, tensorsOf, tiny, tinyModel } from '../support/training.ts';

const pixels = noiseBytes(64);

describe('a new model', () => {
  it('has the same weights for the same seed, and others for another', async () => {
    const weights = async (seed: number): Promise<unknown> => tensorsOf(await tinyModel({ seed }));
    expect(await weights(3)).toEqual(await weights(3));
    expect(await weights(3)).not.toEqual(await weights(4));
  });

  it('says what it is', async () => {
    const model = await tinyModel({ dtype: 'float64', classNames: ['a', 'b', 'c', 'd'] });
    expect(model).toMatchObject({ dtype: 'float64', device: 'cpu', training: false, closed: false });
    expect(model.classNames).toEqual(['a', 'b', 'c', 'd']);
    const upright = { exif: true, sixteenBit: 'scale' };
    expect(model.input).toEqual({ ...tiny.input, transform: wholeImage(8), ...upright });
    const numbers = [...tiny.params, ...tiny.buffers].map(({ shape }) => shape.reduce((a, b) => a * b, 1));
    expect(model.bytes).toBe(8 * numbers.reduce((a, b) => a + b));
  });

  it('of a preset by name is the one of its graph', async () => {
    const options = { input: [1, 8, 8], classes: 3 } as const;
    await using named = await createModel('lm_resnet20', { ...options, device: 'cpu', seed: 5 });
    await using made = await Model.create(preset('lm_resnet20', options), { device: 'cpu', seed: 5 });
    expect(named.graph).toEqual(made.graph);
    expect(await named.logits(pixels)).toEqual(await made.logits(pixels));
  });

  it.each([
    { title: 'no graph', options: {}, graph: {}, code: 'ERR_CONFIG' },
    { title: 'too few class names', options: { classNames: ['a'] }, code: 'ERR_CONFIG' },
    { title: 'too many class names', options: { classNames: [...'abcde'] }, code: 'ERR_CONFIG' },
    { title: 'a negative seed', options: { seed: -1 }, code: 'ERR_CONFIG' },
    { title: 'half a seed', options: { seed: 0.5 }, code: 'ERR_CONFIG' },
    { title: 'an unknown precision', options: { dtype: 'float16' }, code: 'ERR_CONFIG' },
    { title: 'an unknown device', options: { device: 'gpu' }, code: 'ERR_CONFIG' },
    { title: 'an unknown option', options: { sed: 1 }, code: 'ERR_CONFIG' },
    { title: 'a device that is not there', options: { device: 'cuda:77' }, code: 'ERR_DEVICE' },
  ])('is refused: $title', async ({ options, code, graph = tiny }) => {
    expect(await codeOf(Model.create(graph as typeof tiny, options as object))).toBe(code);
  });
});

describe('a prediction', () => {
  it('has probabilities that sum to 1, best first', async () => {
    const [prediction] = await (await tinyModel()).predict(pixels);
    const probabilities = prediction?.top.map((guess) => guess.probability) ?? [];
    expect(probabilities).toHaveLength(4);
    expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    expect(probabilities).toEqual(probabilities.toSorted((a, b) => b - a));
    expect(prediction).toMatchObject({ ...prediction?.top[0] });
  });

  it('is the softmax of the logits, with the names of the classes', async () => {
    const model = await tinyModel({ classNames: ['a', 'b', 'c', 'd'] });
    const logits = Array.from(await model.logits(pixels));
    const total = logits.reduce((sum, z) => sum + Math.exp(z), 0);
    const [prediction] = await model.predict(pixels);
    for (const { index, label, probability } of prediction?.top ?? []) {
      expect(label).toBe('abcd'[index]);
      expect(probability).toBeCloseTo(Math.exp(logits[index] ?? 0) / total, 12);
    }
  });

  it('of several images at once is that of each', async () => {
    const model = await tinyModel({ dtype: 'float64' });
    const both = await model.predict(noiseBytes(128));
    const [first] = await model.predict(noiseBytes(128).subarray(0, 64));
    const [second] = await model.predict(noiseBytes(128).subarray(64));
    expect(both.map(({ index }) => index)).toEqual([first?.index, second?.index]);
    expect(both[1]?.probability).toBeCloseTo(second?.probability ?? 0, 6);
  });

  it('of an image of another size is one too', async () => {
    const model = await tinyModel();
    const [prediction] = await model.predict(noiseBytes(12 * 10), { height: 12, width: 10 });
    expect(prediction?.top).toHaveLength(4);
  });

  it.each([
    { title: 'no pixels', input: new Uint8Array(), code: 'ERR_SHAPE' },
    { title: 'half an image', input: noiseBytes(96), code: 'ERR_SHAPE' },
    { title: 'numbers that are no bytes', input: new Float32Array(64), code: 'ERR_CONFIG' },
    { title: 'a topK of 0', input: pixels, options: { topK: 0 }, code: 'ERR_CONFIG' },
    { title: 'an unknown option', input: pixels, options: { topk: 1 }, code: 'ERR_CONFIG' },
    { title: 'a height of 0', input: pixels, options: { height: 0 }, code: 'ERR_CONFIG' },
  ])('is refused: $title', async ({ input, options = {}, code }) => {
    expect(await codeOf((await tinyModel()).predict(input as Uint8Array, options))).toBe(code);
  });

  it('of a model whose weights are not finite is ERR_NOT_FINITE', async () => {
    const model = await tinyModel();
    await model.writeTensor('head.fc.bias', Float32Array.of(0, Number.NaN, 0, 0));
    expect(await codeOf(model.predict(pixels))).toBe('ERR_NOT_FINITE');
    expect((await model.logits(pixels))[1]).toBeNaN();
  });
});

describe('probabilities', () => {
  const labels = ['a', 'b', 'c'];
  it.each([
    { title: 'huge logits', logits: [3e38, -3e38, 0], expected: [1, 0, 0] },
    { title: 'equal logits', logits: [5, 5, 5], expected: [1 / 3, 1 / 3, 1 / 3] },
    { title: 'tiny logits', logits: [-3e38, -3e38, -3e38], expected: [1 / 3, 1 / 3, 1 / 3] },
    { title: 'logits far apart', logits: [-1000, 0, 1000], expected: [1, 0, 0] },
  ])('of $title are finite, best first', ({ logits, expected }) => {
    const [prediction] = predictions(Float32Array.from(logits), labels, 3);
    expect(prediction?.top.map((guess) => guess.probability)).toEqual(expected);
  });

  it('keep the order of the classes where they are equal', () => {
    const [prediction] = predictions(Float32Array.of(1, 1, 1), labels, 2);
    expect(prediction?.top.map(({ label }) => label)).toEqual(['a', 'b']);
  });

  it('are those of all classes when topK is larger', () => {
    expect(predictions(Float32Array.of(1, 2, 3), labels, 99)[0]?.top).toHaveLength(3);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('are none for a logit %s', (z) => {
    expect(thrown(() => predictions(Float32Array.of(1, z, 3), labels, 1)).code).toBe('ERR_NOT_FINITE');
  });
});

describe('an evaluation', () => {
  it('counts every image once, whatever the batch', async () => {
    const model = await tinyModel({ dtype: 'float64' });
    const set = noise(10);
    const whole = await model.evaluate(set, { batch: 10 });
    expect(whole).toMatchObject({ count: 10, top5: 1 });
    for (const batch of [1, 3, 64]) {
      const { loss, top1 } = await model.evaluate(set, { batch });
      expect(top1).toBe(whole.top1);
      expect(loss).toBeCloseTo(whole.loss, 10);
    }
  });

  it('is the mean cross entropy of the predictions', async () => {
    const model = await tinyModel();
    const set = noise(6);
    const all = await model.predict(set.images);
    const losses = all.map(
      ({ top }, i) => -Math.log(top.find((g) => g.index === set.labels[i])?.probability ?? 0),
    );
    expect((await model.evaluate(set)).loss).toBeCloseTo(losses.reduce((a, b) => a + b) / 6, 5);
  });

  it.each([
    {
      title: 'a class that the model lacks',
      set: { ...noise(4), labels: Int32Array.of(0, 1, 2, 4) },
      code: 'ERR_SHAPE',
    },
    {
      title: 'a negative class',
      set: { ...noise(4), labels: Int32Array.of(0, 1, 2, -1) },
      code: 'ERR_DATASET',
    },
    { title: 'images of other channels', set: { ...noise(4), channels: 3 }, code: 'ERR_SHAPE' },
    {
      title: 'fewer labels than images',
      set: { ...noise(4), labels: new Int32Array(3) },
      code: 'ERR_DATASET',
    },
    { title: 'labels in a plain array', set: { ...noise(4), labels: [0, 1, 2, 3] }, code: 'ERR_CONFIG' },
    { title: 'nothing', set: undefined, code: 'ERR_CONFIG' },
  ])('is refused: $title', async ({ set, code }) => {
    expect(await codeOf((await tinyModel()).evaluate(set as ReturnType<typeof noise>))).toBe(code);
  });
});

describe('a tensor of a model', () => {
  it('is read as it was written', async () => {
    const model = await tinyModel();
    const values = Float32Array.from({ length: 144 }, (_, i) => i / 7);
    await model.writeTensor('stage1.step0.f0.conv1.weight', values);
    expect(await model.readTensor('stage1.step0.f0.conv1.weight')).toEqual(values);
  });

  it.each([
    { title: 'an unknown path', path: 'stage1.step1.kk', length: 1, code: 'ERR_UNKNOWN_NAME' },
    { title: 'a wrong length', path: 'stage1.step1.k', length: 2, code: 'ERR_SHAPE' },
    { title: 'an unknown set', path: 'stage1.step1.k', length: 1, set: 'average', code: 'ERR_CONFIG' },
  ])('is not written: $title', async ({ path, length, set, code }) => {
    const model = await tinyModel();
    const work = model.writeTensor(path, new Float32Array(length), (set ?? 'value') as 'value');
    expect(await codeOf(work)).toBe(code);
  });

  it('of an unknown set or path is not read', async () => {
    const model = await tinyModel();
    expect(await codeOf(model.readTensor('stage1.step1.k', 'average' as 'value'))).toBe('ERR_CONFIG');
    expect(await codeOf(model.readTensor('k'))).toBe('ERR_UNKNOWN_NAME');
  });

  it('has a gradient that says how the output changes', async () => {
    const model = await tinyModel({ dtype: 'float64' });
    const x = Float64Array.from({ length: 64 }, (_, i) => Math.sin(i));
    await model.vjp(x, Float64Array.of(1, 0, 0, 0));
    const [gradient = 0] = await model.readTensor('stage1.step1.k', 'gradient');
    const at = async (k: number): Promise<number> => {
      await model.writeTensor('stage1.step1.k', Float64Array.of(k));
      return (await model.vjp(x, null)).output.data[0] ?? Number.NaN;
    };
    const slope = ((await at(0.01)) - (await at(-0.01))) / 0.02;
    expect(Math.abs(gradient)).toBeGreaterThan(0);
    expect(gradient / slope).toBeGreaterThan(0.5);
  });

  it.each([
    { title: 'an array of another kind', x: new Float32Array(64), code: 'ERR_CONFIG' },
    { title: 'half an image', x: new Float64Array(96), code: 'ERR_SHAPE' },
    { title: 'a cotangent of another length', x: new Float64Array(64), code: 'ERR_SHAPE' },
  ])('has no gradient for $title', async ({ x, code }) => {
    const work = (await tinyModel()).vjp(x as Float64Array, new Float64Array(3));
    expect(await codeOf(work)).toBe(code);
  });
});

describe('a model whose weights cannot be filled in', () => {
  it.each(['loaded', 'copied'] as const)('is closed where it is to be %s', async (how) => {
    const model = await tinyModel();
    const path = join(await temporaryFolder(), 'model.safetensors');
    await model.save(path);
    const refuse = (): Promise<never> => Promise.reject(new LmError('ERR_MEMORY', 'Memory ran out'));
    const made: NativeModel[] = [];
    const addon = native() as { Model: NativeAddon['Model'] };
    const { Model: Native } = addon;
    addon.Model = class {
      readonly #real: NativeModel;
      readonly writeTensor = refuse;
      readonly copy = refuse;
      constructor(...[graph, options]: ConstructorParameters<typeof Native>) {
        this.#real = new Native(graph, options);
        made.push(this.#real);
      }
      close(): void {
        this.#real.close();
      }
    } as unknown as typeof Native;
    onTestFinished(() => {
      addon.Model = Native;
    });
    expect(await codeOf(how === 'loaded' ? Model.load(path) : copyOf(model))).toBe('ERR_MEMORY');
    expect(made.map(({ bytes }) => bytes)).toEqual([0]);
  });
});

describe('a closed model', () => {
  it('refuses everything', async () => {
    const model = await tinyModel();
    await model.close();
    const path = `${await temporaryFolder()}/closed.safetensors`;
    const calls = {
      predict: model.predict(pixels),
      logits: model.logits(pixels),
      evaluate: model.evaluate(noise(4)),
      readTensor: model.readTensor('stage1.step1.k'),
      writeTensor: model.writeTensor('stage1.step1.k', Float32Array.of(1)),
      vjp: model.vjp(new Float64Array(64), null),
      save: model.save(path),
    };
    for (const [name, call] of Object.entries(calls)) expect(await codeOf(call), name).toBe('ERR_CLOSED');
    expect(model).toMatchObject({ closed: true, bytes: 0 });
  });

  it('may be closed again, and by the end of its block', async () => {
    const model = await tinyModel();
    {
      await using same = model;
      await same.predict(pixels);
    }
    expect(model.closed).toBe(true);
    await Promise.all([model.close(), model.close()]);
  });

  it('ends the calls under way one way or the other', async () => {
    const model = await tinyModel();
    const calls = Array.from({ length: 8 }, () => codeOf(model.predict(pixels)));
    await model.close();
    for (const code of await Promise.all(calls)) expect(['none', 'ERR_CLOSED']).toContain(code);
  });
});
