import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { copyOf } from '../../src/model/model.ts';
import { must } from '../../src/must.ts';
import { drawRates, type RateSearch } from '../../src/picture/rates.ts';
import { writeRates } from '../../src/pictureFile.ts';
import { findBatch } from '../../src/search/findBatch.ts';
import { findLearningRate } from '../../src/search/findLearningRate.ts';
import { constant } from '../../src/train/schedules.ts';
import type { TrainSettingsInput } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { noise, tensorsOf, tinyModel } from '../support/training.ts';

const set = noise(64);
const training = { batch: 8, momentum: 0, nesterov: false, weightDecay: 0 };

describe('a copy of a model', () => {
  it('has its weights, statistics and class names, and a life of its own', async () => {
    const model = await tinyModel({ dtype: 'float64', classNames: [...'abcd'] });
    await train(model, { train: set }, { batch: 8, steps: 3 });
    await using copy = await copyOf(model);
    const before = await tensorsOf(model);
    expect(await tensorsOf(copy)).toEqual(before);
    expect(copy).toMatchObject({ dtype: 'float64', classNames: [...'abcd'] });
    await train(copy, { train: set }, { batch: 8, steps: 1 });
    expect(await tensorsOf(model)).toEqual(before);
  });
});

describe('the range test of learning rates', () => {
  it('raises the rate exponentially, and stops where the loss breaks out', async () => {
    const found = await findLearningRate(await tinyModel(), set, { from: 1e-3, to: 1e4, ramp: 60, training });
    const ratio = 1e7 ** (1 / 59);
    for (const [i, rate] of found.rates.entries()) expect(rate / (1e-3 * ratio ** i)).toBeCloseTo(1, 9);
    expect(found.diverged).toBe(true);
    expect(found.rates.length).toBeLessThan(60);
    expect(found.losses).toHaveLength(found.rates.length);
    expect(found.rates).toContain(found.suggestion);
  });

  it('trains as a training with these rates does', async () => {
    const model = await tinyModel({ dtype: 'float64' });
    const found = await findLearningRate(model, set, {
      from: 0.1,
      to: 0.1 * (1 + 1e-12),
      ramp: 10,
      training,
    });
    const run = train(model, { train: set }, { ...training, lr: 0.1, steps: 10, schedule: constant() });
    const losses: number[] = [];
    for await (const event of run) if (event.type === 'step') losses.push(...event.losses);
    for (const [i, loss] of losses.entries()) expect(found.losses[i]).toBeCloseTo(loss, 9);
    expect(found.diverged).toBe(false);
  });

  it('has images of the size that they have in the epoch of a step', async () => {
    const settings = { ...training, sizes: [8, 12], epochs: 2 };
    const model = await tinyModel({ dtype: 'float64' });
    const range = { from: 0.1, to: 0.1 * (1 + 1e-12), ramp: 16 };
    const { losses } = await findLearningRate(model, set, { ...range, training: settings });
    const run = train(model, { train: set }, { ...settings, lr: 0.1, schedule: constant() });
    const trained: number[] = [];
    for await (const event of run) if (event.type === 'step') trained.push(...event.losses);
    expect(losses).toHaveLength(trained.length);
    for (const [i, loss] of losses.entries()) expect(loss).toBeCloseTo(must(trained[i]), 9);
  });

  it('leaves the model as it is', async () => {
    const model = await tinyModel();
    const before = await tensorsOf(model);
    await findLearningRate(model, set, { ramp: 20, training });
    expect(await tensorsOf(model)).toEqual(before);
    expect(model.training).toBe(false);
  });

  it('ends at once when its signal aborts', async () => {
    const signal = AbortSignal.abort();
    expect(await codeOf(findLearningRate(await tinyModel(), set, { training, signal }))).toBe('ERR_ABORTED');
  });

  it.each([
    { title: 'a last rate below the first', options: { from: 1, to: 0.1 } },
    { title: 'too few steps', options: { ramp: 1 } },
    { title: 'an unknown option', options: { form: 1 } },
    { title: 'a wrong setting', options: { training: { batch: 0 } } },
  ])('is refused: $title', async ({ options }) => {
    expect(await codeOf(findLearningRate(await tinyModel(), set, options))).toBe('ERR_CONFIG');
  });
});

describe('the picture of a range test', () => {
  const rates = Array.from({ length: 20 }, (_, i) => 1e-3 * 2 ** i);
  const search: RateSearch = {
    rates,
    losses: rates.map((_, i) => 3 - i / 10),
    smoothed: rates.map((_, i) => 3 - i / 10),
    suggestion: rates[7] ?? null,
    diverged: true,
  };

  it('shows the suggestion', () => {
    expect(drawRates(search)).toContain('suggestion 0.13');
    expect(drawRates(search)).toContain('the loss broke out');
  });

  it.each([
    { title: 'of no steps', of: { ...search, rates: [], losses: [], smoothed: [], suggestion: null } },
    { title: 'of values that are not finite', of: { ...search, smoothed: rates.map(() => Number.NaN) } },
  ])('has finite coordinates: $title', ({ of }) => {
    expect(drawRates(of)).not.toMatch(/NaN|Infinity/);
  });

  it('is a PNG or an SVG by its name', async () => {
    const folder = await temporaryFolder();
    await writeRates(join(folder, 'a.png'), search);
    expect((await readFile(join(folder, 'a.png'))).subarray(1, 4).toString()).toBe('PNG');
    expect(await codeOf(writeRates(join(folder, 'a.gif'), search))).toBe('ERR_CONFIG');
  });
});

describe('the search for the largest batch', () => {
  it('ends with the images, and has a speed and the memory of every batch', async () => {
    const model = await tinyModel();
    const before = await tensorsOf(model);
    const found = await findBatch(model, set);
    expect(found).toMatchObject({ largest: 64, limit: 'images' });
    expect(found.trials.map(({ batch }) => batch)).toEqual([8, 16, 32, 64]);
    for (const { fits, imagesPerSecond } of found.trials) {
      expect(fits).toBe(true);
      expect(imagesPerSecond).toBeGreaterThan(0);
    }
    const bytes = found.trials.map((trial) => trial.bytes ?? 0);
    expect(bytes).toEqual(bytes.toSorted((a, b) => a - b));
    expect(found.trials.map(({ batch }) => batch)).toContain(found.fastest);
    expect(await tensorsOf(model)).toEqual(before);
  });

  it('is for what takes the most memory: the largest size of images that grow, and an average', async () => {
    const bytes = async (settings: TrainSettingsInput): Promise<number> => {
      await using model = await tinyModel();
      const found = await findBatch(model, set, { most: 8, training: settings });
      return must(found.trials[0]?.bytes);
    };
    const [small, large] = [await bytes({ sizes: [8] }), await bytes({ sizes: [16] })];
    expect(large).toBeGreaterThan(small);
    expect(await bytes({ sizes: [8, 16, 12], epochs: 3 })).toBeGreaterThan((small + large) / 2);
    expect(await bytes({ sizes: [8], modelEma: true })).toBeGreaterThan(small);
  });

  it('ends at the largest batch that may be tried', async () => {
    const found = await findBatch(await tinyModel(), set, { most: 20, training: { accumulate: 2 } });
    expect(found).toMatchObject({ largest: 20, limit: 'most' });
  });

  it.each([
    { looks: 3, largest: 32, tried: [8, 16, 32, 36, 40, 48, 64] },
    { looks: 0, largest: null, tried: [1, 2, 4, 8] },
  ])('halves the interval below a batch that would not fit: $largest', async ({ looks, largest, tried }) => {
    let look = 0;
    const free = (): number => (look++ < looks ? 1e12 : -1e12);
    const found = await withFreeMemory(free, async () => findBatch(await tinyModel(), set));
    expect(found).toMatchObject({ largest, limit: 'memory' });
    expect(found.trials.map(({ batch }) => batch)).toEqual(tried);
    const fitting = found.trials.filter(({ fits }) => fits).map(({ batch }) => batch);
    expect(fitting).toEqual(tried.filter((batch) => batch <= (largest ?? 0)));
  });

  it.each([{ most: 0 }, { most: 1.5 }, { training: { batch: 0 } }])('is refused: %o', async (options) => {
    expect(await codeOf(findBatch(await tinyModel(), set, options))).toBe('ERR_CONFIG');
  });
});

/** Runs work while the machine seems to have so much free memory. */
async function withFreeMemory<T>(free: () => number, work: () => Promise<T>): Promise<T> {
  const real = process.availableMemory;
  process.availableMemory = free;
  try {
    return await work();
  } finally {
    process.availableMemory = real;
  }
}
