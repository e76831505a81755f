/** Trainings in mixed precision: from the options to the checkpoint. */
import { readFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCheckpointInfo } from '../../src/checkpoint/checkpoint.ts';
import { constant } from '../../src/train/schedules.ts';
import type { TrainSettingsInput } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { loaded, noise, tinyModel } from '../support/training.ts';

const data = { train: noise(32), test: noise(8, 1) };
const settings: TrainSettingsInput = { batch: 16, lr: 0.05, epochs: 16, schedule: constant() };

describe.each(['bfloat16', 'float16'] as const)('a training with amp %s', (amp) => {
  it('learns as one in float32 does, evaluates in the same type, and its checkpoint serves in any', async () => {
    const [model, twin] = [await tinyModel(), await tinyModel()];
    const run = join(await temporaryFolder(), 'run');
    const { loss, evaluation, steps, skipped } = await train(model, data, { ...settings, amp, run });
    const plain = await train(twin, data, settings);
    expect(steps).toBe(32);
    expect(skipped).toBeLessThan(8);
    expect(plain.skipped).toBe(0);
    const { loss: start } = await (await tinyModel()).evaluate(data.train);
    expect(plain.loss).toBeLessThan(start - 0.4);
    expect(Math.abs(loss - plain.loss)).toBeLessThan(0.15);
    expect(loss).not.toBe(plain.loss);
    const { loss: found, ...scores } = await model.evaluate(data.test, { amp });
    expect(evaluation).toMatchObject(scores);
    expect(evaluation?.loss).toBeCloseTo(found, 5);
    const copy = await loaded(join(run, 'checkpoint.safetensors'));
    expect(await copy.evaluate(data.test)).toEqual(await model.evaluate(data.test));
    expect((await copy.evaluate(data.test)).loss).not.toBe(found);
    const lossScale = amp === 'float16' ? { skipped, goodSteps: expect.any(Number) } : null;
    const state = (await readCheckpointInfo(join(run, 'checkpoint.safetensors'))).run;
    if (lossScale === null) expect(state?.lossScale).toBeNull();
    else expect(state?.lossScale).toMatchObject({ ...lossScale, scale: 2 ** (16 - skipped) });
  });

  it('is refused for a model of float64, and where steps are to be undone', async () => {
    const memory = { kind: 'reverse' } as const;
    expect(await codeOf(async () => train(await tinyModel({ dtype: 'float64' }), data, { amp }))).toBe(
      'ERR_CONFIG',
    );
    expect(await codeOf(async () => train(await tinyModel(), data, { amp, memory }))).toBe('ERR_CONFIG');
    const model = await tinyModel({ dtype: 'float64' });
    const pixels = new Uint8Array(64);
    expect(await codeOf(model.predict(pixels, { amp }))).toBe('ERR_CONFIG');
    expect(await codeOf(model.evaluate(data.test, { amp }))).toBe('ERR_CONFIG');
  });

  it('is what predictions, logits and gradients have where they are asked for it', async () => {
    const model = await tinyModel();
    const pixels = noise(1).images as Uint8Array;
    const [half, plain] = [await model.logits(pixels, { amp }), await model.logits(pixels)];
    expect(half).not.toEqual(plain);
    const [guess] = await model.predict(pixels, { amp });
    const highest = half.reduce((a, b) => Math.max(a, b));
    expect(guess?.index).toBe(half.indexOf(highest));
    const x = new Float64Array(64).fill(0.3);
    const { output } = await model.vjp(x, null, { amp });
    expect(output.data).not.toEqual((await model.vjp(x, null)).output.data);
  });
});

describe('amp auto', () => {
  /** As the kernel tells of the processor. */
  const type =
    arch() === 'x64' && /\bamx_bf16\b/.test(readFileSync('/proc/cpuinfo', 'utf8')) ? 'bfloat16' : 'none';
  const pixels = noise(1).images as Uint8Array;

  it(`is ${type} here, in predictions, logits, evaluations and gradients`, async () => {
    const model = await tinyModel();
    for (const method of ['predict', 'logits'] as const)
      expect(await model[method](pixels, { amp: 'auto' })).toEqual(
        await model[method](pixels, { amp: type }),
      );
    expect(await model.evaluate(data.test, { amp: 'auto' })).toEqual(
      await model.evaluate(data.test, { amp: type }),
    );
    const x = new Float64Array(64).fill(0.3);
    expect(await model.vjp(x, null, { amp: 'auto' })).toEqual(await model.vjp(x, null, { amp: type }));
  });

  it('trains in that type, which the checkpoint names and a run that goes on agrees with', async () => {
    const run = join(await temporaryFolder(), 'run');
    const [model, twin] = [await tinyModel(), await tinyModel()];
    const short = { ...settings, epochs: 2 };
    const { loss } = await train(model, data, { ...short, amp: 'auto', run });
    expect(loss).toBe((await train(twin, data, { ...short, amp: type })).loss);
    const checkpoint = join(run, 'checkpoint.safetensors');
    expect((await readCheckpointInfo(checkpoint)).run?.settings).toMatchObject({ amp: type });
    expect((await train(model, data, { amp: 'auto', resume: run })).steps).toBe(4);
    expect(await codeOf(async () => train(model, data, { amp: 'float16', resume: run }))).toBe('ERR_CONFIG');
  });

  it('is none for a model of float64, and where steps are to be undone', async () => {
    const model = await tinyModel({ dtype: 'float64' });
    expect(await model.logits(pixels, { amp: 'auto' })).toEqual(await model.logits(pixels));
    const [undone, plain] = [await tinyModel(), await tinyModel()];
    const more = { ...settings, epochs: 1, memory: 'reverse' } as const;
    const { loss } = await train(undone, data, { ...more, amp: 'auto' });
    expect(loss).toBe((await train(plain, data, more)).loss);
  });
});
