/** A run whose folder cannot be written to for a while, and evaluations that may fail. */
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCheckpointInfo } from '../../src/checkpoint/checkpoint.ts';
import type { TrainEvent } from '../../src/run/events.ts';
import { readMetrics } from '../../src/run/metricsLog.ts';
import { constant } from '../../src/train/schedules.ts';
import { type TrainOptions, train } from '../../src/train/train.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { noise, tinyModel } from '../support/training.ts';

const data = { train: noise(32), test: noise(8, 1) };

/** Trains 8 steps, 2 an epoch; `on` sees every event before the training goes on. */
async function run(
  on: (event: TrainEvent, folder: string) => Promise<void>,
  options: TrainOptions = {},
): Promise<{ folder: string; events: TrainEvent[]; code: string }> {
  const folder = join(await temporaryFolder(), 'run');
  const settings = { epochs: 4, batch: 16, lr: 0.05, schedule: constant(), keepBest: 0 };
  const handle = train(await tinyModel(), data, { ...settings, run: folder, ...options });
  const events: TrainEvent[] = [];
  const code = await codeOf(async () => {
    for await (const event of handle) {
      events.push(event);
      await on(event, folder);
    }
  });
  return { folder, events, code };
}

describe('a run whose folder is away for a while', () => {
  it('tells of the checkpoint at once, goes on, and lacks nothing in the end', async () => {
    const away = async (event: TrainEvent, folder: string): Promise<void> => {
      if (event.type === 'checkpoint' && event.step === 0) await rename(folder, `${folder}-away`);
      if (event.type === 'unwritten') await rename(`${folder}-away`, folder).catch(() => undefined);
    };
    const { folder, events, code } = await run(away, { epochs: 60 });
    expect(code).toBe('none');
    const told = events.filter((event) => event.type === 'unwritten');
    expect(told[0]?.reason).toMatch(/checkpoint-\d+\.safetensors.*ENOENT|evaluation\.json.*ENOENT/);
    const { step } = (await readCheckpointInfo(join(folder, 'checkpoint.safetensors'))).run ?? {};
    expect(step).toBe(120);
    const rows = await readMetrics(join(folder, 'metrics.jsonl'));
    expect(rows.filter((row) => row.type === 'eval')).toHaveLength(60);
    expect(await readdir(folder)).toEqual(expect.arrayContaining(['evaluation.json', 'curves.png']));
  });

  it('and does not come back ends with ERR_FILE, and had told of it', async () => {
    const { events, code } = await run(
      async (event, folder) => {
        if (event.type === 'checkpoint' && event.step === 0) await rename(folder, `${folder}-away`);
      },
      { epochs: 60 },
    );
    expect(code).toBe('ERR_FILE');
    const told = events.findIndex((event) => event.type === 'unwritten');
    expect(told).toBeGreaterThan(0);
    expect(events.slice(told).some((event) => event.type === 'step')).toBe(true);
  });
});

describe('the checkpoint of an epoch', () => {
  it('is written before its evaluation, which may take long and fail, and told of once', async () => {
    const handle = train(
      await tinyModel(),
      { ...data, test: noise(40_000, 1) },
      { epochs: 1, batch: 16, run: join(await temporaryFolder(), 'run') },
    );
    const events: TrainEvent[] = [];
    for await (const event of handle) events.push(event);
    const types = events.flatMap((event) =>
      event.step === 2 && (event.type === 'checkpoint' || event.type === 'eval') ? [event.type] : [],
    );
    expect(types).toEqual(['checkpoint', 'eval']);
    const { run: state } = await readCheckpointInfo((await handle).checkpoint ?? '');
    expect(state).toMatchObject({ step: 2, evaluation: { step: 2, count: 40_000 } });
  });
});
