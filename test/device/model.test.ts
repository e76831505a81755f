/** A model on the test device answers as on the CPU, and what it writes is the same. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { analyze } from '../../src/analyze/analyze.ts';
import { deepen } from '../../src/deepen/deepen.ts';
import { evaluateInDetail } from '../../src/evaluate/evaluateInDetail.ts';
import type { Model } from '../../src/model/model.ts';
import { Classifier } from '../../src/serve/classifier.ts';
import { cosine } from '../../src/train/schedules.ts';
import type { TrainSettingsInput } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import { noisePng, savedTiny } from '../serve/support.ts';
import { temporaryFolder } from '../support/folder.ts';
import { noiseBytes } from '../support/noise.ts';
import { loaded, noise, tinyModel } from '../support/training.ts';
import { deviceAsCuda } from './testDevice.ts';

const device = deviceAsCuda();
const pixels = noiseBytes(5 * 64, 3);

/** All numbers in an answer, in order. */
function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array);
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

function expectClose(found: unknown, wanted: unknown, bound = 1e-12): void {
  const [a, b] = [numbersIn(found), numbersIn(wanted)];
  expect(b.length).toBeGreaterThan(0);
  expect(a.length).toBe(b.length);
  const apart = b.filter(
    (value, i) => !(Math.abs(value - (a[i] ?? Number.NaN)) <= bound * (1 + Math.abs(value))),
  );
  expect(apart).toEqual([]);
}

const asked: readonly (readonly [string, (model: Model) => Promise<unknown>])[] = [
  ['logits', (model) => model.logits(pixels)],
  ['predictions', (model) => model.predict(pixels)],
  ['an evaluation', (model) => model.evaluate(noise(10), { batch: 4 })],
  ['an evaluation by views', (model) => evaluateInDetail(model, noise(10), { batch: 4, tta: 'flip' })],
  ['an evaluation in detail', (model) => evaluateInDetail(model, noise(10), { batch: 4 })],
  ['values of nodes', (model) => model.probe(pixels, [0, 5, model.graph.nodes.length - 1])],
  [
    'gradients',
    (model) => model.vjp(Float64Array.from(pixels), new Float64Array(20).fill(0.1), { training: true }),
  ],
  [
    'gradients by running statistics',
    (model) => model.vjp(Float64Array.from(pixels), new Float64Array(20).fill(0.1)),
  ],
  ['an analysis', (model) => analyze(model, { images: pixels })],
];

describe('a model on a device', () => {
  it.each(asked)('gives what it gives on the CPU: %s', async (_, ask) => {
    const here = await tinyModel({ dtype: 'float64' });
    const there = await tinyModel({ dtype: 'float64', device: 'cuda' });
    expectClose(await ask(there), await ask(here));
  });

  it('is saved to the same bytes, and loaded on either', async () => {
    const folder = await temporaryFolder();
    const files = [];
    for (const on of ['cpu', 'cuda'] as const) {
      const path = join(folder, `${on}.safetensors`);
      await (await tinyModel({ device: on })).save(path);
      files.push(await readFile(path, 'base64'));
      const logits = await (await loaded(path, { device: 'cuda' })).logits(pixels);
      expectClose(logits, await (await loaded(path)).logits(pixels), 1e-5);
    }
    expect(files[1]).toBe(files[0]);
  });

  it('serves, in several replicas, what it serves on the CPU', async () => {
    const path = await savedTiny();
    const options = { replicas: 2, maxBatch: 4 };
    await using here = await Classifier.open(path, { ...options, device: 'cpu' });
    await using there = await Classifier.open(path, { ...options, device: 'cuda' });
    const asked = await Promise.all(Array.from({ length: 12 }, (_, i) => noisePng(i)));
    const answers = (of: Classifier): Promise<unknown[]> =>
      Promise.all(asked.map((image) => of.classify(image, { topK: 4 })));
    expectClose(await answers(there), await answers(here), 1e-5);
    await there.reload(path);
    expectClose(await answers(there), await answers(here), 1e-5);
  });

  it('becomes a deeper one', async () => {
    const here = await deepen(await tinyModel({ dtype: 'float64' }));
    const there = await deepen(await tinyModel({ dtype: 'float64', device: 'cuda' }));
    onTestFinished(async () => {
      await here.close();
      await there.close();
    });
    expectClose(await there.logits(pixels), await here.logits(pixels));
  });
});

const settings: TrainSettingsInput = {
  epochs: 2,
  batch: 8,
  lr: 0.05,
  schedule: cosine({ warmupSteps: 3 }),
  checkpointEvery: 3,
  keepLast: 99,
  mixup: 0.4,
  modelEma: true,
  modelEmaDecay: 0.9,
};

describe('a run on a device', () => {
  it.each([{}, { amp: 'float16', lr: 0.01 }] as const)('is resumed to the bit: %o', async (more) => {
    const data = { train: noise(32), test: noise(8, 1) };
    const run = join(await temporaryFolder(), 'run');
    await train(await tinyModel({ device: 'cuda' }), data, { ...settings, ...more, run });
    const wanted = await readFile(join(run, 'checkpoint.safetensors'), 'base64');
    device.setSchedule('ahead');
    onTestFinished(() => device.setSchedule('late'));
    const path = join(run, 'checkpoint-3.safetensors');
    await train(await loaded(path, { device: 'cuda' }), data, { resume: path });
    expect(await readFile(join(run, 'checkpoint.safetensors'), 'base64')).toBe(wanted);
  });
});
