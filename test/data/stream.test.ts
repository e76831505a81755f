/** Data sets of samples that come one by one. */
import { setTimeout } from 'node:timers/promises';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { batches } from '../../src/data/batches.ts';
import { fromAsyncIterable, type StreamOptions, type StreamSample } from '../../src/data/stream.ts';
import { evaluateInDetail } from '../../src/evaluate/evaluateInDetail.ts';
import type { Dataset } from '../../src/loading/dataset.ts';
import type { Model } from '../../src/model/model.ts';
import { train } from '../../src/train/train.ts';
import '../support/addon.ts';
import { thrown } from '../support/errors.ts';
import { codeOf } from '../support/failures.ts';
import { grayJpeg } from '../support/files/images.ts';
import { dist, runNode } from '../support/libtorch.ts';
import { noiseBytes } from '../support/noise.ts';
import { noise, tinyModel } from '../support/training.ts';

const size = { height: 8, width: 8, channels: 1 };
const classNames = ['0', '1', '2', '3'];

/** Samples whose pixels and labels follow from their number. */
async function* numbered(count: number, told: (i: number) => void = () => {}): AsyncGenerator<StreamSample> {
  for (let i = 0; i < count; i++) {
    await setTimeout(i % 7 === 0 ? 1 : 0);
    told(i);
    yield { image: new Uint8Array(64).fill(i), label: i % 4 };
  }
}

function stream(
  samples: Parameters<typeof fromAsyncIterable>[0],
  options: Partial<StreamOptions> = {},
): Dataset {
  const data = fromAsyncIterable(samples, { classNames, size, ...options });
  onTestFinished(() => data.close());
  return data;
}

describe('a stream of samples', () => {
  it('comes in its order, to its end, tail and all', async () => {
    const first: number[] = [];
    const lengths: number[] = [];
    for await (const { pixels, labels } of batches(stream(numbered(11)), { batch: 4 })) {
      lengths.push(labels.length);
      for (let i = 0; i < labels.length; i++) first.push(pixels[64 * i] ?? -1);
    }
    expect(first).toEqual(Array.from({ length: 11 }, (_, i) => i));
    expect(lengths).toEqual([4, 4, 3]);
  });

  it('is split by ranks: every so-many-th sample is of one of them', async () => {
    const partOf = async (rank: number): Promise<number[]> => {
      const found: number[] = [];
      const data = stream(numbered(11), { share: { rank, worldSize: 3 } });
      for await (const { pixels, labels } of batches(data, { batch: 4 }))
        labels.forEach((_, i) => {
          found.push(pixels[64 * i] ?? -1);
        });
      return found;
    };
    // at once: what one waits for must not keep another from its samples
    expect(await Promise.all([0, 1, 2].map(partOf))).toEqual([
      [0, 3, 6, 9],
      [1, 4, 7, 10],
      [2, 5, 8],
    ]);
  });

  it('may be of files, and of an iterable that waits for nothing', async () => {
    const image = await grayJpeg(100);
    const data = fromAsyncIterable([{ image, label: 1 }], { classNames });
    onTestFinished(() => data.close());
    const found = [];
    for await (const batch of batches(data, { imageSize: 4 })) found.push(batch);
    expect(found).toMatchObject([{ height: 4, width: 4, labels: Int32Array.of(1) }]);
  });

  it('is not read far ahead of its use', async () => {
    let taken = 0;
    const data = stream(
      numbered(1000, (i) => (taken = i)),
      { capacity: 10 },
    );
    for await (const _ of batches(data, { batch: 5, prefetch: 2, workers: 1 })) break;
    await setTimeout(50);
    // One batch used, two made ahead, one sample with each thread, what the stream may hold, and one in its
    // hand.
    expect(taken).toBeLessThan(5 * 3 + 10 + 3);
  });

  it('skips samples that cannot be decoded', async () => {
    const image = await grayJpeg(50);
    const bad = { image: Uint8Array.of(1, 2, 3), label: 0 };
    const data = fromAsyncIterable([{ image, label: 1 }, bad, { image, label: 2 }, bad], { classNames });
    onTestFinished(() => data.close());
    const labels: number[] = [];
    for await (const batch of batches(data, { imageSize: 4, batch: 1 })) labels.push(...batch.labels);
    expect(labels).toEqual([1, 2]);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('the database is gone');
      },
    ],
    ['gives pixels of another size', () => ({ image: new Uint8Array(63), label: 0 })],
    ['gives a label of no class', () => ({ image: new Uint8Array(64), label: 4 })],
    ['gives no image', () => ({ label: 0 })],
  ])('ends its reader when it %s', async (_, make: () => unknown) => {
    async function* samples(): AsyncGenerator<StreamSample> {
      yield* numbered(5);
      yield make() as StreamSample;
    }
    const read = async (): Promise<void> => {
      for await (const _batch of batches(stream(samples()), { batch: 2 }));
    };
    expect(await codeOf(read())).toBe('ERR_DATASET');
  });

  it.each([
    ['no iterable', 7, {}],
    ['no class names', [], { classNames: [] }],
    ['pixels of no size', [], { size: { ...size, height: 0 } }],
    ['an unknown option', [], { clasNames: [] }],
  ])('is refused with %s', (_, samples, options) => {
    expect(thrown(() => stream(samples as never, options as never)).code).toBe('ERR_CONFIG');
  });
});

describe('a training on a stream', () => {
  const random = async function* (count: number): AsyncGenerator<StreamSample> {
    for (let i = 0; i < count; i++) yield { image: noiseBytes(64, i), label: i % 4 };
  };

  it('does its steps', async () => {
    const streamed = await tinyModel();
    const { steps, loss } = await train(
      streamed,
      { train: stream(random(100)), test: noise(8) },
      { steps: 5, batch: 8 },
    );
    expect(steps).toBe(5);
    expect(loss).toBeGreaterThan(0);
  });

  it('stops where the stream ends, and says so', async () => {
    const model = await tinyModel();
    const result = await train(model, { train: stream(random(20)) }, { steps: 50, batch: 8 });
    expect(result).toMatchObject({ steps: 2, stopped: true });
  });

  it('needs its number of steps, and cannot be tested on', async () => {
    const model = await tinyModel();
    expect(await codeOf(() => train(model, { train: stream(random(20)) }))).toBe('ERR_CONFIG');
    const sets = { train: noise(16), test: stream(random(20)) };
    expect(await codeOf(() => train(model, sets, { batch: 8 }))).toBe('ERR_CONFIG');
  });

  it('is stopped while it waits for a sample', async () => {
    const model = await tinyModel();
    const never = async function* (): AsyncGenerator<StreamSample> {
      yield* random(8);
      await setTimeout(60_000, undefined, { ref: false });
    };
    const run = train(model, { train: stream(never()) }, { steps: 50, batch: 8 });
    await setTimeout(300);
    expect(await run.stop()).toMatchObject({ steps: 1, stopped: true });
  });
});

describe('a stream that is waited for', () => {
  it.each<[what: string, read: (model: Model, data: Dataset) => PromiseLike<object>, found: object]>([
    ['an evaluation', (model, data) => model.evaluate(data, { batch: 2 }), { count: 6 }],
    ['an evaluation in detail', (model, data) => evaluateInDetail(model, data, { batch: 2 }), { count: 6 }],
    ['a training', (model, images) => train(model, { train: images }, { batch: 2, steps: 3 }), { steps: 3 }],
  ])('lets predictions pass, such as those it waits for itself: %s', async (_, read, found) => {
    const model = await tinyModel();
    async function* predicting(): AsyncGenerator<StreamSample> {
      for (let i = 0; i < 6; i++) {
        const image = noiseBytes(64, i);
        const [guess] = await model.predict(image);
        yield { image, label: guess?.index ?? -1 };
      }
    }
    expect(await read(model, stream(predicting()))).toMatchObject(found);
  });

  it.each([
    ['a training', 'train(model, { train: data }, { batch: 2, steps: 9 })'],
    ['a training without workers', 'train(model, { train: data }, { batch: 2, steps: 9, workers: 0 })'],
    ['an evaluation', 'evaluateInDetail(model, data)'],
    ['an evaluation without workers', 'model.evaluate(data, { workers: 0 })'],
    ['a loop', '(async () => { for await (const _ of batches(data, { batch: 2 })); })()'],
    ['nobody, though it is full', 'Promise.resolve()'],
  ])('lets the process exit: %s', async (_, reader) => {
    const program = `
      const { batches, createModel, evaluateInDetail, fromAsyncIterable, init, train } = await import('${dist}index.js');
      init({ threads: 1 });
      const model = await createModel('lm_resnet20', { classes: 4, input: [1, 8, 8], device: 'cpu' });
      async function* samples() {
        for (let i = 0; i < 6; i++) yield { image: new Uint8Array(64), label: i % 4 };
        await new Promise(() => setTimeout(() => {}, 1e6));
      }
      const size = { height: 8, width: 8, channels: 1 };
      const data = fromAsyncIterable(samples(), { classNames: [...'abcd'], size, capacity: 3 });
      ${reader}.catch(() => {});
      setTimeout(() => process.exit(7), 300);`;
    expect(await runNode(program)).toMatchObject({ code: 7, signal: null, stderr: '' });
  });
});

describe('files in a stream', () => {
  it('may be of any format', async () => {
    const gray = sharp({ create: { width: 9, height: 9, channels: 3, background: '#646464' } });
    const samples = await Promise.all(
      [gray.clone().webp(), gray.clone().tiff(), gray.clone().png()].map(async (image, label) => ({
        image: await image.toBuffer(),
        label,
      })),
    );
    const data = fromAsyncIterable(samples, { classNames });
    onTestFinished(() => data.close());
    for await (const { pixels, labels } of batches(data, { imageSize: 4, onBadImage: 'throw' })) {
      expect([...labels]).toEqual([0, 1, 2]);
      expect(pixels.every((level) => level === 100)).toBe(true);
    }
  });

  it('are never taken for pixels', async () => {
    const file = await grayJpeg(100);
    const pixels = { height: file.length, width: 1, channels: 1 };
    const data = fromAsyncIterable([{ image: file, label: 0 }], { classNames, size: pixels });
    onTestFinished(() => data.close());
    expect(await codeOf(batches(data, { batch: 1 }).next())).toBe('ERR_DATASET');
  });
});
