/** When a training evaluates, what of it, and how that ends it early; overfitting a few batches. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { batches } from '../../src/data/batches.ts';
import { imageSet } from '../../src/data/imageSet.ts';
import { readMetrics } from '../../src/run/metricsLog.ts';
import { estimateNeeds } from '../../src/search/estimate.ts';
import { trainSchema } from '../../src/train/options.ts';
import { constant } from '../../src/train/schedules.ts';
import { type TrainOptions, train } from '../../src/train/train.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { brightPixels, modelOf } from '../support/graphs/logits.ts';
import { loaded, noise, tensorsOf, tinyModel } from '../support/training.ts';

const data = { train: noise(32), test: noise(300, 1) };

/** The evaluations of a training: their epochs and how many images they counted. */
async function evaluations(options: TrainOptions): Promise<[epoch: number, count: number][]> {
  const found: [number, number][] = [];
  const run = train(await tinyModel(), data, { batch: 8, lr: 0.01, ...options });
  for await (const event of run) if (event.type === 'eval') found.push([event.epoch, event.count]);
  return found;
}

describe('the evaluations of a training', () => {
  it('read the first batches only where asked', async () => {
    expect(await evaluations({ evalBatches: 1 })).toEqual([[1, 256]]);
    expect(await evaluations({})).toEqual([[1, 300]]);
  });

  it('follow so many epochs, and the last step', async () => {
    expect(await evaluations({ epochs: 5, evalEvery: 2 })).toEqual([2, 4, 5].map((epoch) => [epoch, 300]));
  });

  it('leave the last of them in the run folder, class by class', async () => {
    const run = join(await temporaryFolder(), 'run');
    const { evaluation } = await train(await tinyModel(), data, { batch: 8, epochs: 2, run });
    const { bad, ...scores } = evaluation ?? {};
    const written = JSON.parse(await readFile(join(run, 'evaluation.json'), 'utf8'));
    expect(written).toMatchObject(scores);
    expect(written.classNames).toEqual(['0', '1', '2', '3']);
    expect(written.confusion.flat().reduce((a: number, b: number) => a + b)).toBe(300);
  });
});

describe('held-out images for which the output is not finite', () => {
  it('are told of by number, and the run can go on from its checkpoint', async () => {
    const run = join(await temporaryFolder(), 'run');
    const given = [
      [0, 1],
      [Number.NaN, 1],
      [1, Number.POSITIVE_INFINITY],
    ];
    const [model, twin] = [await modelOf(given), await modelOf(given)];
    const test = brightPixels([1, 0, 1]);
    const first = imageSet({
      images: test.images.slice(0, 3),
      labels: [1],
      height: 1,
      width: 3,
      channels: 1,
    });
    const sets = { train: first, test };
    const settings = { batch: 1, lr: 0, schedule: constant(), optimizer: 'sgd', epochs: 2 } as const;
    const scores = { loss: Number.NaN, top1: 1 / 3, top5: 1 / 3, count: 3, nonFinite: 2 };
    const handle = train(model, sets, { ...settings, modelEma: true, run });
    const told: object[] = [];
    for await (const event of handle) if (event.type === 'eval') told.push(event);
    const { count: _, ...ema } = scores;
    expect(told).toMatchObject([1, 2].map((epoch) => ({ epoch, ...scores, ema })));
    const rows = (await readMetrics(join(run, 'metrics.jsonl'))).filter((row) => row.type === 'eval');
    expect(rows).toMatchObject([1, 2].map((epoch) => ({ epoch, ...ema, ema })));
    expect((await handle).evaluation).toEqual({ ...scores, bad: [], notes: [] });
    const again = await train(twin, sets, { ...settings, modelEma: true, resume: run });
    expect(again.evaluation).toEqual({ ...scores, bad: [], notes: [] });
  });
});

describe('an early stop', () => {
  // At a rate of 0 only running statistics move: with the first epoch's frozen the top-1 never gets better.
  const still: TrainOptions = { batch: 8, lr: 0, schedule: constant(), epochs: 50, earlyStopPatience: 3 };
  const constantTest = imageSet({
    images: new Uint8Array(64 * 4).fill(7),
    labels: [0, 1, 2, 3],
    height: 8,
    width: 8,
    channels: 1,
  });

  it('comes when the best top-1 lies so many epochs back, and its run can go no further', async () => {
    const run = join(await temporaryFolder(), 'run');
    // four equal images: top-1 is 1/4 whatever the model
    const sets = { train: data.train, test: constantTest };
    const result = await train(await tinyModel(), sets, { ...still, run });
    expect(result).toMatchObject({ epochs: 4, stopped: true, evaluation: { top1: 0.25 } });
    const { bad, ...scores } = result.evaluation ?? {};
    expect(JSON.parse(await readFile(join(run, 'evaluation.json'), 'utf8'))).toMatchObject(scores);
    const model = await loaded(join(run, 'checkpoint.safetensors'));
    const again = await train(model, sets, { ...still, resume: run });
    expect(again).toMatchObject({ epochs: 4, stopped: true });
  });

  it('needs images to test on', async () => {
    const model = await tinyModel();
    expect(await codeOf(() => train(model, { train: data.train }, still))).toBe('ERR_CONFIG');
  });
});

describe('overfitting', () => {
  it('learns the first batches by heart', async () => {
    const model = await tinyModel();
    const set = noise(64);
    const options = { batch: 8, lr: 0.1, steps: 120, overfitBatches: 2 };
    const { loss, epochs } = await train(model, { train: set }, options);
    expect(epochs).toBe(60);
    expect(loss).toBeLessThan(0.1);
    const first = batches(set, { batch: 8, training: true });
    const learned = (await first.next()).value;
    const { top1 } = await model.evaluate(
      imageSet({ ...set, images: learned?.pixels ?? set.images, labels: [...(learned?.labels ?? [])] }),
    );
    expect(top1).toBe(1);
    await first.return();
    expect((await model.evaluate(set)).top1).toBeLessThan(1);
  });

  it('is the training of a smaller set, batch by batch', async () => {
    const one = await tinyModel({ dtype: 'float64' });
    await train(one, { train: data.train }, { batch: 8, steps: 1, overfitBatches: 1 });
    const other = await tinyModel({ dtype: 'float64' });
    await train(other, { train: data.train }, { batch: 8, steps: 1 });
    expect(await tensorsOf(one)).toEqual(await tensorsOf(other));
  });

  it.each([
    { title: 'fewer batches than a step takes', options: { accumulate: 3, overfitBatches: 2 } },
    { title: 'no batches', options: { overfitBatches: 0 } },
  ])('is refused: $title', async ({ options }) => {
    const model = await tinyModel();
    const start = (): unknown => train(model, data, { batch: 8, ...options });
    expect(await codeOf(start)).toBe('ERR_CONFIG');
  });
});

describe('the estimate of what a training needs', () => {
  it('knows the size of a checkpoint', async () => {
    const model = await tinyModel();
    const settings = trainSchema.parse({ optimizer: 'adamw', modelEma: true, keepLast: 3, keepBest: 1 });
    const params = model.graph.params.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    const checkpoint = 2 * model.bytes + 2 * 4 * params; // values and average, two moments
    expect(estimateNeeds(model, settings)).toMatchObject({ checkpoint, disk: 4 * checkpoint });
  });

  it('grows with the batch, and less where less is kept', async () => {
    const model = await tinyModel();
    const memory = (options: object): number => estimateNeeds(model, trainSchema.parse(options)).memory;
    const [small, large, thrifty] = [
      { batch: 8 },
      { batch: 16 },
      { batch: 16, memory: { kind: 'reverse' } },
    ].map(memory);
    expect(large).toBeGreaterThan(small ?? 0);
    expect(thrifty).toBeLessThan(large ?? 0);
  });
});
