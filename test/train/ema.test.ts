/** The average of weights and statistics over the steps of a training. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCheckpoint } from '../../src/checkpoint/checkpoint.ts';
import { evaluateInDetail } from '../../src/evaluate/evaluateInDetail.ts';
import type { Model } from '../../src/model/model.ts';
import { readMetrics } from '../../src/run/metricsLog.ts';
import { constant } from '../../src/train/schedules.ts';
import type { TrainSettingsInput } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { loaded, noise, tensorsOf, tiny, tinyModel } from '../support/training.ts';

const data = { train: noise(32) };
const settings: TrainSettingsInput = { batch: 8, lr: 0.1, schedule: constant(), modelEma: true };
const paths = [...tiny.params, ...tiny.buffers].map(({ path }) => path);

async function averages(model: Model): Promise<Record<string, number[]>> {
  const all = paths.map(async (path) => [path, Array.from(await model.readTensor(path, 'ema'))] as const);
  return Object.fromEntries(await Promise.all(all));
}

/** Weights and statistics before the first step and after each: the same run, ended after 1, 2, … steps. */
async function history(steps: number, more: TrainSettingsInput = {}): Promise<Record<string, number[]>[]> {
  const states = [await tensorsOf(await tinyModel({ dtype: 'float64' }))];
  for (let n = 1; n <= steps; n++) {
    const model = await tinyModel({ dtype: 'float64' });
    await train(model, data, { ...settings, ...more, steps: n });
    states.push(await tensorsOf(model));
  }
  return states;
}

describe('the average of the weights', () => {
  it.each([
    ['of constant memory', { modelEmaDecay: 0.7 }, () => 0.7],
    [
      'with a warm-up',
      { modelEmaDecay: 0.5, modelEmaWarmup: true },
      (n: number) => Math.min(0.5, 1 - (1 + n) ** (-2 / 3)),
    ],
  ])('%s starts at the weights and follows them and the statistics', async (_, more, decay) => {
    const [start = {}, ...after] = await history(4, more);
    const model = await tinyModel({ dtype: 'float64' });
    await train(model, data, { ...settings, ...more, steps: 4 });
    const found = await averages(model);
    for (const path of paths) {
      const wanted = after.reduce(
        (ema, state, n) =>
          ema.map((e, i) => decay(n) * e + (1 - decay(n)) * (state[path]?.[i] ?? Number.NaN)),
        start[path] ?? [],
      );
      for (const [i, value] of wanted.entries()) expect(found[path]?.[i], path).toBeCloseTo(value, 12);
    }
  });

  it('stays that of the last good step when one is not finite', async () => {
    const overflowing = { ...settings, modelEmaDecay: 0.5, steps: 8, lr: 1e25 };
    const [model, twin] = [await tinyModel(), await tinyModel()];
    expect(await codeOf(() => train(model, data, overflowing))).toBe('ERR_NOT_FINITE');
    await train(twin, data, { ...overflowing, steps: 1 });
    expect(await averages(model)).toEqual(await averages(twin));
    expect(
      Object.values(await averages(model))
        .flat()
        .every(Number.isFinite),
    ).toBe(true);
  });

  it('is what evaluation takes where it is asked to', async () => {
    const model = await tinyModel();
    await train(model, data, { ...settings, steps: 4, modelEmaDecay: 0.9 });
    const value = await model.evaluate(data.train);
    const ema = await model.evaluate(data.train, { weights: 'ema' });
    expect(ema.loss).not.toBe(value.loss);
    for (const path of paths) await model.writeTensor(path, await model.readTensor(path, 'ema'));
    expect(await model.evaluate(data.train)).toEqual(ema);
  });

  it('is evaluated beside the weights, and logged', async () => {
    const run = join(await temporaryFolder(), 'run');
    const model = await tinyModel();
    await train(model, { ...data, test: noise(16) }, { ...settings, steps: 4, run });
    const { loss, top1, top5 } = await evaluateInDetail(model, noise(16), { weights: 'ema' });
    const rows = await readMetrics(join(run, 'metrics.jsonl'));
    expect(rows.find((row) => row.type === 'eval')).toMatchObject({ ema: { loss, top1, top5 } });
  });

  it('lies in the checkpoint of a run, and is loaded with it', async () => {
    const run = join(await temporaryFolder(), 'run');
    const model = await tinyModel();
    const { checkpoint } = await train(model, data, { ...settings, steps: 4, run });
    const { sets } = await readCheckpoint(checkpoint ?? '');
    expect([...(sets.get('ema')?.keys() ?? [])]).toEqual(paths);
    const copy = await loaded(checkpoint ?? '');
    expect(await averages(copy)).toEqual(await averages(model));
    expect(await copy.evaluate(data.train, { weights: 'ema' })).toEqual(
      await model.evaluate(data.train, { weights: 'ema' }),
    );
  });

  it('starts anew with every training', async () => {
    const [again, restored] = [await tinyModel(), await tinyModel()];
    await train(again, data, { ...settings, steps: 3 });
    await train(restored, data, { ...settings, steps: 3, modelEma: false });
    for (const model of [again, restored]) await train(model, data, { ...settings, steps: 2 });
    expect(await averages(restored)).toEqual(await averages(again));
  });

  it('is refused where no training has made one', async () => {
    const model = await tinyModel();
    expect(await codeOf(model.evaluate(data.train, { weights: 'ema' }))).toBe('ERR_CONFIG');
    expect(await codeOf(model.readTensor('head.fc.bias', 'ema'))).toBe('ERR_UNKNOWN_NAME');
    expect(await codeOf(model.evaluate(data.train, { weights: 'ema' }))).toBe('ERR_CONFIG');
  });
});
