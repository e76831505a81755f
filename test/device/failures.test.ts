/** Errors as a user of a GPU meets them: a device that is not there, is full, or fails in the middle. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isLmError, type LmError } from '../../src/errors.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { Model } from '../../src/model/model.ts';
import { network } from '../../src/models/network.ts';
import { must } from '../../src/must.ts';
import { cifarStem } from '../../src/nn/stems.ts';
import { euler, leapfrog } from '../../src/schemes/index.ts';
import { findBatch } from '../../src/search/findBatch.ts';
import { lastGoodCheckpoint } from '../../src/train/resume.ts';
import type { TrainSettingsInput } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import { temporaryFolder } from '../support/folder.ts';
import { loaded, noise, tiny, tinyConfig, tinyModel } from '../support/training.ts';
import { deviceAsCuda } from './testDevice.ts';

const device = deviceAsCuda();
const unlimited = 16 * 2 ** 30;
afterEach(() => {
  device.limitMemory(unlimited);
  device.recover();
  vi.unstubAllEnvs();
});

async function failure(work: PromiseLike<unknown>): Promise<LmError> {
  const error = await Promise.resolve(work).catch((reason: unknown) => reason);
  if (isLmError(error)) return error;
  throw new Error(`expected an LmError, received ${String(error)}`);
}

describe('a device that is not there', () => {
  it('is refused with those that are, and with what hides others', async () => {
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '3');
    const error = await failure(Model.create(tiny, { device: 'cuda:1' }));
    expect(error.code).toBe('ERR_DEVICE');
    expect(error.message).toBe('Expected "cpu" or "cuda:0" for `model.device` but received "cuda:1"');
    expect(error.hint).toContain('doctor');
    expect(error.hint).toContain('CUDA_VISIBLE_DEVICES is "3"');
  });
});

/** A step of 128 images where only so many bytes more than the model's may be taken; what was the most. */
async function room(graph: Graph, bytes: number, options: TrainSettingsInput = {}): Promise<number> {
  const live = (): number => device.takeCounts().liveBytes;
  const start = live();
  const model = await tinyModel({ device: 'cuda' }, graph);
  try {
    await model.logits(new Uint8Array(64));
    const before = live();
    device.limitMemory(before + bytes);
    await train(model, { train: noise(256) }, { batch: 128, steps: 1, ...options });
    return device.takeCounts().peakBytes - before;
  } finally {
    await model.close();
    // Another thread gives the memory of a trainer back.
    await vi.waitFor(() => expect(live()).toBeLessThanOrEqual(start), { timeout: 20_000 });
  }
}

describe('a device that is full', () => {
  const stages = [{ width: 8, steps: 8, stride: 1 }];
  const wide = { ...tinyConfig, stem: cifarStem(8), stages }; // most of whose memory is that of values
  const rows = [
    { title: 'steps that can be undone', graph: network({ ...wide, scheme: leapfrog }), ways: 4 },
    { title: 'steps that cannot', graph: network({ ...wide, scheme: euler }), ways: 3 },
  ];

  it.each(rows)('ends a training with what it needs and what would fit: $title', async ({ graph, ways }) => {
    const peak = await room(graph, unlimited);
    const limit = Math.floor(0.85 * peak);
    const error = await failure(room(graph, limit));
    expect(error.code).toBe('ERR_MEMORY');
    const size = '([\\d.]+) MiB';
    const told = new RegExp(
      `^Memory ran out on cuda: a batch of 128 images of 8 x 8 needs ${size} at its peak, and ${size} are left \\(.+\\)$`,
    ).exec(error.message);
    expect(Number(told?.[1]) * 2 ** 20).toBeGreaterThan(peak * 0.8);
    expect(Number(told?.[1]) * 2 ** 20).toBeLessThan(peak * 1.6);
    const changes = /(memory|amp|batch) ([^ ,]+|\{.+?\})(?:, accumulate (\d+))? \([\d.]+ MiB\)/g;
    const found = [...(error.hint ?? '').matchAll(changes)];
    expect(found).toHaveLength(ways);
    for (const [, name = '', value = '', accumulate] of found) {
      const change = { [name]: name === 'amp' ? value : JSON.parse(value) };
      await room(graph, limit, { ...change, ...(accumulate && { accumulate: Number(accumulate) }) });
    }
  });

  it('bounds the batch that is searched for', async () => {
    const model = await tinyModel({ device: 'cuda' });
    await model.logits(new Uint8Array(64));
    device.limitMemory(device.takeCounts().liveBytes + 2_000_000);
    const { largest, limit, trials } = await findBatch(model, noise(512));
    expect(limit).toBe('memory');
    expect(trials.some(({ fits }) => fits)).toBe(true);
    expect(trials.filter(({ fits, batch }) => fits !== batch <= must(largest))).toEqual([]);
  });

  it('refuses images in words', async () => {
    const model = await tinyModel({ device: 'cuda' });
    device.limitMemory(device.takeCounts().liveBytes + 100_000);
    const error = await failure(model.logits(new Uint8Array(64 * 512)));
    expect(error.code).toBe('ERR_MEMORY');
    expect(error.message).toContain('512 images');
    expect(await model.logits(new Uint8Array(64))).toHaveLength(4);
  });
});

describe('a device that fails in the middle', () => {
  const data = { train: noise(32), test: noise(8, 1) };
  const settings: TrainSettingsInput = { epochs: 2, batch: 8, lr: 0.05, checkpointEvery: 2, keepLast: 99 };
  const bytes = (run: string): Promise<string> => readFile(join(run, 'checkpoint.safetensors'), 'base64');

  it('leaves a whole checkpoint, from which the run ends as if nothing had been', async () => {
    const whole = join(await temporaryFolder(), 'run');
    const first = await tinyModel({ device: 'cuda' });
    device.takeCounts();
    await train(first, data, { ...settings, run: whole });
    const { kernels } = device.takeCounts();
    for (const part of [0.05, 0.4, 0.7, 0.95]) {
      const run = join(await temporaryFolder(), 'run');
      const model = await tinyModel({ device: 'cuda' });
      await model.logits(new Uint8Array(64));
      device.loseAfter(Math.floor(part * kernels));
      const error = await failure(train(model, data, { ...settings, run }));
      expect([part, error.code]).toEqual([part, 'ERR_DEVICE']);
      expect(error.message).toContain('the device was lost');
      expect(error.hint).toContain(join(run, 'checkpoint.safetensors'));
      await model.close();
      device.recover();
      expect((await readdir(run)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
      const path = await lastGoodCheckpoint(run);
      await train(await loaded(path, { device: 'cuda' }), data, { resume: path });
      expect(await bytes(run), `${part}`).toBe(await bytes(whole));
    }
  });

  it('fails with ERR_DEVICE whatever work is told of it: libtorch, its libraries, our kernels', async () => {
    const told = new Set<string>();
    for (let pieces = 300; pieces < 330; pieces += 1) {
      const model = await tinyModel({ device: 'cuda' });
      await model.logits(new Uint8Array(64));
      device.loseAtLaunch(pieces);
      const error = await failure(train(model, data, { ...settings, checkpointEvery: undefined }));
      expect([pieces, error.code]).toEqual([pieces, 'ERR_DEVICE']);
      for (const kind of ['cuDNN error', 'CUDA: unspecified launch failure', 'the device was lost'])
        if (error.message.includes(kind)) told.add(kind);
      await model.close();
      device.recover();
    }
    expect(told.size).toBe(3);
  });

  it('ends what else is asked of it with ERR_DEVICE', async () => {
    const model = await tinyModel({ device: 'cuda' });
    await model.logits(new Uint8Array(64));
    device.loseAfter(3);
    for (const ask of [
      () => model.logits(new Uint8Array(64)),
      () => model.evaluate(noise(4)),
      () => model.readTensor('head.fc.bias'),
    ])
      expect((await failure(ask())).code).toBe('ERR_DEVICE');
  });
});
