/** One call that begins a run, and goes on with it where its folder has a checkpoint. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockRun } from '../../src/run/lock.ts';
import { readMetrics } from '../../src/run/metricsLog.ts';
import { type TrainOptions, train } from '../../src/train/train.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { noise, tinyModel } from '../support/training.ts';

const data = { train: noise(32), test: noise(8, 1) };
const settings: TrainOptions = {
  epochs: 2,
  batch: 8,
  lr: 0.05,
  checkpointEvery: 3,
  keepLast: 99,
  mixup: 0.4,
};
const newRun = async (): Promise<string> => join(await temporaryFolder(), 'deep', 'run');
const bytes = (run: string): Promise<string> => readFile(join(run, 'checkpoint.safetensors'), 'base64');

/** The same call again and again, as a program makes it that is started anew. */
async function called(run: string, more: TrainOptions = {}): Promise<number | null> {
  const handle = train(await tinyModel(), data, { ...settings, run, autoResume: true, ...more });
  let from: number | null = null;
  for await (const event of handle) if (event.type === 'resume') from = event.step;
  await handle;
  return from;
}

describe('a training that resumes by itself', () => {
  it('begins in a new folder, and has nothing left to do in one that is complete', async () => {
    const [run, plain] = [await newRun(), await newRun()];
    expect(await called(run)).toBeNull();
    await train(await tinyModel(), data, { ...settings, run: plain });
    expect(await bytes(run)).toBe(await bytes(plain));
    expect(await called(run)).toBe(8);
    expect(await bytes(run)).toBe(await bytes(plain));
  });

  it.each([
    { title: 'the last', gone: [], from: 8 },
    { title: 'one whose name was not given yet', gone: ['checkpoint', 'checkpoint-8'], from: 6 },
    { title: 'the best alone', gone: ['checkpoint', ...[0, 3, 4, 6, 8].map((n) => `checkpoint-${n}`)] },
  ])('ends in the bytes of an undisturbed run from $title', async ({ gone, from }) => {
    const run = await newRun();
    await called(run);
    const whole = await bytes(run);
    for (const name of gone) await rm(join(run, `${name}.safetensors`), { force: true });
    const resumed = await called(run);
    if (from === undefined) expect([4, 8]).toContain(resumed);
    else expect(resumed).toBe(from);
    expect(await bytes(run)).toBe(whole);
  });

  it('begins anew over what a run left that ended before its first checkpoint, and spares the rest', async () => {
    const [run, plain] = [await newRun(), await newRun()];
    await called(plain);
    await mkdir(run, { recursive: true });
    const left = [
      'settings.json',
      'metrics.jsonl',
      '.0123456789abcdef.tmp',
      'events.out.tfevents.1.lm-resnet',
    ];
    for (const name of [...left, 'slurm.out']) await writeFile(join(run, name), '{"type":"st');
    expect(await called(run)).toBeNull();
    expect(await bytes(run)).toBe(await bytes(plain));
    expect(await readFile(join(run, 'slurm.out'), 'utf8')).toBe('{"type":"st');
    expect((await readdir(run)).toSorted()).toEqual([...(await readdir(plain)), 'slurm.out'].toSorted());
    expect((await readMetrics(join(run, 'metrics.jsonl'))).map(({ type, step }) => [type, step])).toEqual(
      expect.arrayContaining([['eval', 8]]),
    );
  });

  it.each([
    { title: 'another rate', more: { lr: 0.1 } },
    { title: 'more epochs', more: { epochs: 5 } },
    { title: 'steps where the run had none', more: { steps: 20 } },
    { title: 'a setting left out', more: { mixup: undefined } },
  ])('is refused where the run had other settings: $title', async ({ more }) => {
    const run = await newRun();
    await called(run);
    const before = await bytes(run);
    expect(await codeOf(called(run, more))).toBe('ERR_CONFIG');
    expect(await bytes(run)).toBe(before);
    expect(await readdir(run)).not.toContain('run.lock');
  });

  it('is refused in a folder that another works in, with or without a checkpoint', async () => {
    const run = await newRun();
    await mkdir(run, { recursive: true });
    const first = await lockRun(run);
    expect(await codeOf(called(run))).toBe('ERR_BUSY');
    await first.release();
    await called(run);
    const second = await lockRun(run);
    expect(await codeOf(called(run))).toBe('ERR_BUSY');
    await second.release();
  });

  it('needs a run folder, and none to resume beside it', async () => {
    const model = await tinyModel();
    for (const options of [{}, { resume: 'a' }, { run: 'a', resume: 'a' }, { run: 'a', autoResume: 1 }])
      expect(await codeOf(train(model, data, { autoResume: true, ...options } as TrainOptions).then())).toBe(
        'ERR_CONFIG',
      );
  });
});
