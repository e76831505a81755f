/** The checkpoints of a run folder: when they are written, which stay, and what they say. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCheckpointInfo } from '../../src/checkpoint/checkpoint.ts';
import type { TrainEvent } from '../../src/run/events.ts';
import { constant } from '../../src/train/schedules.ts';
import { type TrainOptions, train } from '../../src/train/train.ts';
import { temporaryFolder } from '../support/folder.ts';
import { noise, tinyModel } from '../support/training.ts';

const data = { train: noise(32), test: noise(8, 1) };

/** 8 steps, 2 an epoch; the rate is so high that the accuracy on noise wanders. */
async function run(options: TrainOptions = {}): Promise<{ folder: string; events: TrainEvent[] }> {
  const folder = join(await temporaryFolder(), 'run');
  const handle = train(await tinyModel(), data, {
    epochs: 4,
    batch: 16,
    lr: 0.5,
    schedule: constant(),
    run: folder,
    ...options,
  });
  const events: TrainEvent[] = [];
  for await (const event of handle) events.push(event);
  return { folder, events };
}

async function checkpointsIn(folder: string): Promise<number[]> {
  const names = (await readdir(folder)).flatMap((name) => /^checkpoint-(\d+)/.exec(name)?.[1] ?? []);
  return names.map(Number).toSorted((a, b) => a - b);
}

const stepsOf = (events: readonly TrainEvent[]): number[] =>
  events.flatMap((event) => (event.type === 'checkpoint' ? [event.step] : []));

describe('the checkpoints of a run', () => {
  it.each([
    { title: 'the start and every epoch', options: {}, steps: [0, 2, 4, 6, 8] },
    {
      title: 'so many steps, and every evaluation',
      options: { checkpointEvery: 3 },
      steps: [0, 2, 3, 4, 6, 8],
    },
    { title: 'so many steps', options: { checkpointEvery: 3, evalEvery: 9 }, steps: [0, 3, 6, 8] },
    { title: 'the end alone', options: { checkpointEvery: 100, evalEvery: 9 }, steps: [0, 8] },
    {
      title: 'evaluations, where others are rare',
      options: { checkpointEvery: 100, evalEvery: 2 },
      steps: [0, 4, 8],
    },
  ])('are written after $title', async ({ options, steps }) => {
    const { events } = await run({ ...options, keepBest: 0 });
    expect(stepsOf(events)).toEqual(steps);
  });

  it('are written with what an evaluation found, and the best has its name', async () => {
    const { folder, events } = await run({ checkpointEvery: 100 });
    const evaluations = events.flatMap((e) => (e.type === 'eval' ? [e] : []));
    const best = evaluations.reduce((a, b) => (b.top1 > a.top1 ? b : a));
    expect(stepsOf(events)).toContain(best.step);
    const info = await readCheckpointInfo(join(folder, 'best.safetensors'));
    expect(info.run).toMatchObject({ step: best.step, evaluation: { step: best.step, top1: best.top1 } });
  });

  it.each([
    { keepLast: 1, keepBest: 0, last: [8] },
    { keepLast: 2, keepBest: 0, last: [6, 8] },
    { keepLast: 9, keepBest: 0, last: [0, 2, 4, 6, 8] },
    { keepLast: 1, keepBest: 2, last: [8] },
  ])('stay where they are the last $keepLast or the best $keepBest', async ({ keepLast, keepBest, last }) => {
    const { folder } = await run({ keepLast, keepBest });
    const { best } = (await readCheckpointInfo(join(folder, 'checkpoint.safetensors'))).run ?? {};
    const kept = (best as { step: number }[]).slice(0, keepBest).map(({ step }) => step);
    expect(kept).toHaveLength(keepBest);
    const wanted = [...new Set([...last, ...kept])].toSorted((a, b) => a - b);
    expect(await checkpointsIn(folder)).toEqual(wanted);
    expect((await readdir(folder)).includes('best.safetensors')).toBe(keepBest > 0);
  });

  it('have the newest under a name of its own, which is no copy', async () => {
    const { folder } = await run();
    const [newest, last] = await Promise.all(
      ['checkpoint.safetensors', 'checkpoint-8.safetensors'].map((name) => stat(join(folder, name))),
    );
    expect(newest?.ino).toBe(last?.ino);
  });

  it('say all that the run goes on with, and have neither clock nor path', async () => {
    const [a, b] = [await run(), await run()];
    const { run: state } = await readCheckpointInfo(join(a.folder, 'checkpoint.safetensors'));
    expect(state).toMatchObject({
      step: 8,
      totalSteps: 8,
      threads: 1,
      evaluation: { step: 8, count: 8 },
      data: { count: 32, size: { height: 8, width: 8, channels: 1 }, transform: null },
      test: { count: 8 },
      settings: { epochs: 4, batch: 16 },
    });
    const bytes = ({ folder }: { folder: string }): Promise<string> =>
      readFile(join(folder, 'checkpoint.safetensors'), 'base64');
    expect(await bytes(b)).toBe(await bytes(a));
  });
});
