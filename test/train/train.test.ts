import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { imageSet } from '../../src/data/imageSet.ts';
import { evaluateInDetail } from '../../src/evaluate/evaluateInDetail.ts';
import { constant, oneCycle } from '../../src/train/schedules.ts';
import { type TrainData, type TrainOptions, train } from '../../src/train/train.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { noiseBytes } from '../support/noise.ts';
import { loaded, noise, tensorsOf, tinyModel } from '../support/training.ts';

describe('a training', () => {
  it('learns 32 images of noise by heart', async () => {
    const model = await tinyModel();
    const set = noise(32);
    const settings = { epochs: 120, batch: 16, lr: 0.1, schedule: oneCycle() };
    const result = await train(model, { train: set, test: set }, settings);
    expect(result.evaluation).toMatchObject({ top1: 1, top5: 1, count: 32 });
    expect(await evaluateInDetail(model, set)).toMatchObject(result.evaluation ?? {});
    expect((await model.evaluate(set)).loss).toBeCloseTo(result.evaluation?.loss ?? 0, 6);
    expect(result).toMatchObject({ steps: 240, epochs: 120, stopped: false, checkpoint: null, run: null });
  });

  it('is the same, to the byte of its checkpoint, for the same seeds and data', async () => {
    const bytes = async (modelSeed: number, seed: number, data: TrainData): Promise<string> => {
      const run = join(await temporaryFolder(), 'run');
      const { checkpoint } = await train(await tinyModel({ seed: modelSeed }), data, {
        epochs: 2,
        batch: 8,
        seed,
        run,
      });
      return (await readFile(checkpoint ?? '')).toString('base64');
    };
    const data = { train: noise(32) };
    const first = await bytes(1, 1, data);
    expect(await bytes(1, 1, { train: noise(32) })).toBe(first);
    expect(await bytes(1, 2, data)).not.toBe(first);
    expect(await bytes(2, 1, data)).not.toBe(first);
    expect(await bytes(1, 1, { train: noise(32, 1) })).not.toBe(first);
  });

  it('does not depend on whether held-out images are evaluated', async () => {
    const weights = async (data: TrainData): Promise<unknown> => {
      const model = await tinyModel();
      await train(model, data, { epochs: 2, batch: 8 });
      return tensorsOf(model);
    };
    const set = noise(32);
    expect(await weights({ train: set, test: noise(8, 1) })).toEqual(await weights({ train: set }));
  });

  it('evaluates after every epoch, and after the last step', async () => {
    const model = await tinyModel();
    const at: number[] = [];
    const run = train(model, { train: noise(32), test: noise(6, 1) }, { steps: 10, batch: 8 });
    for await (const event of run) if (event.type === 'eval') at.push(event.step);
    expect(at).toEqual([4, 8, 10]);
    expect((await run).evaluation?.count).toBe(6);
  });

  it('leaves out the tail of an epoch that fills no batch', async () => {
    const result = await train(await tinyModel(), { train: noise(31) }, { epochs: 2, batch: 8 });
    expect(result).toMatchObject({ steps: 6, epochs: 2 });
  });

  it('takes images of another size than the nominal one', async () => {
    const images = noiseBytes(8 * 12 * 12);
    const labels = [0, 1, 2, 3, 0, 1, 2, 3];
    const set = imageSet({ images, labels, height: 12, width: 12, channels: 1 });
    expect(await train(await tinyModel(), { train: set }, { batch: 8 })).toMatchObject({ steps: 1 });
  });

  it('can follow another on the same model, which starts with fresh momentum', async () => {
    const [again, restored] = [await tinyModel(), await tinyModel()];
    const settings: TrainOptions = { steps: 3, batch: 8, schedule: constant() };
    const data = { train: noise(32) };
    await train(again, data, settings);
    const path = join(await temporaryFolder(), 'midway.safetensors');
    await again.save(path);
    await train(again, data, settings);
    await train(restored, data, settings);
    const copy = await loaded(path);
    await train(copy, data, settings);
    expect(await tensorsOf(copy)).toEqual(await tensorsOf(again));
  });
});

describe('a training that cannot be', () => {
  const rgb = imageSet({
    images: noiseBytes(8 * 192),
    labels: Array(8).fill(0),
    height: 8,
    width: 8,
    channels: 3,
  });
  const five = { ...noise(8), labels: Int32Array.of(0, 1, 2, 3, 4, 0, 1, 2) };
  const good = noise(16);
  const cases: readonly {
    readonly title: string;
    readonly code: string;
    readonly data?: TrainData;
    readonly options?: object;
  }[] = [
    { title: 'a batch larger than the data', options: { batch: 17 }, code: 'ERR_CONFIG' },
    { title: 'a step larger than the data', options: { batch: 8, accumulate: 3 }, code: 'ERR_CONFIG' },
    { title: 'an unknown option', options: { epoch: 1 }, code: 'ERR_CONFIG' },
    { title: 'no epochs', options: { epochs: 0 }, code: 'ERR_CONFIG' },
    { title: 'half an epoch', options: { epochs: 0.5 }, code: 'ERR_CONFIG' },
    { title: 'a negative rate', options: { lr: -1 }, code: 'ERR_CONFIG' },
    { title: 'a rate that is no number', options: { lr: Number.NaN }, code: 'ERR_CONFIG' },
    { title: 'a momentum of 1', options: { momentum: 1 }, code: 'ERR_CONFIG' },
    { title: 'an unknown schedule', options: { schedule: { kind: 'sine' } }, code: 'ERR_CONFIG' },
    { title: 'a run folder that is no path', options: { run: 1 }, code: 'ERR_CONFIG' },
    { title: 'a signal that is none', options: { signal: {} }, code: 'ERR_CONFIG' },
    { title: 'images of other channels', data: { train: rgb }, code: 'ERR_SHAPE' },
    { title: 'held-out images of other channels', data: { train: good, test: rgb }, code: 'ERR_SHAPE' },
    { title: 'more classes than the model has', data: { train: five }, code: 'ERR_SHAPE' },
    { title: 'a set whose pixels are cut off', data: { train: { ...good, width: 9 } }, code: 'ERR_DATASET' },
    { title: 'no images at all', data: {} as TrainData, code: 'ERR_CONFIG' },
  ];
  it.each(cases)('is refused at once: $title', async ({ data = { train: good }, options, code }) => {
    const model = await tinyModel();
    const batch = Math.min(8, data.train?.labels?.length ?? 8);
    expect(await codeOf(() => train(model, data, { batch, ...options }))).toBe(code);
    expect(model.training).toBe(false);
    expect(await train(model, { train: good }, { batch: 16 })).toMatchObject({ steps: 1 });
  });

  it('is refused at once: a model that is none', async () => {
    expect(await codeOf(() => train({} as never, { train: good }))).toBe('ERR_CONFIG');
  });

  it.each([
    { title: 'no data', data: undefined, options: {} },
    { title: 'no options, but null', data: { train: good }, options: null },
    { title: 'a wrong option', data: { train: good }, options: { lr: -1 } },
  ])('rejects its promise and ends its events, and never throws: $title', async ({ data, options }) => {
    const run = train(await tinyModel(), data as never, options as never);
    expect(await codeOf(run.then())).toBe('ERR_CONFIG');
    expect(await codeOf(run[Symbol.asyncIterator]().next())).toBe('ERR_CONFIG');
    expect(await codeOf(run.stop())).toBe('ERR_CONFIG');
  });
});
