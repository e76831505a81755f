/** Going on from a checkpoint: to the bit, in the same folder, or not at all. */
import { cp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCheckpointInfo } from '../../src/checkpoint/checkpoint.ts';
import { writeSafetensors } from '../../src/checkpoint/safetensors.ts';
import { isLmError, type LmError } from '../../src/errors.ts';
import { evaluateInDetail } from '../../src/evaluate/evaluateInDetail.ts';
import type { TrainEvent } from '../../src/run/events.ts';
import { readMetrics } from '../../src/run/metricsLog.ts';
import { lastGoodCheckpoint } from '../../src/train/resume.ts';
import { cosine } from '../../src/train/schedules.ts';
import type { TrainSettingsInput } from '../../src/train/settings.ts';
import { type TrainData, train } from '../../src/train/train.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { readEvents } from '../support/tensorboard.ts';
import { loaded, noise, tinyModel } from '../support/training.ts';

const data: TrainData = { train: noise(32), test: noise(8, 1) };
/** 8 steps, 4 an epoch, with all that draws and remembers. */
const settings: TrainSettingsInput = {
  epochs: 2,
  batch: 8,
  lr: 0.05,
  schedule: cosine({ warmupSteps: 3 }),
  checkpointEvery: 3,
  keepLast: 99,
  mixup: 0.4,
  cutmix: 0.4,
  smoothing: 0.1,
  modelEma: true,
  modelEmaDecay: 0.9,
};

async function undisturbed(more: TrainSettingsInput = {}): Promise<string> {
  const run = join(await temporaryFolder(), 'run');
  await train(await tinyModel(), data, { ...settings, ...more, run });
  return run;
}

const bytes = (run: string, name = 'checkpoint.safetensors'): Promise<string> =>
  readFile(join(run, name), 'base64');

/** A copy of a run as it was after some step: with what came behind still in its log. */
async function copyOf(run: string): Promise<string> {
  const copy = join(await temporaryFolder(), 'run');
  await cp(run, copy, { recursive: true });
  return copy;
}

const rowsOf = async (run: string): Promise<unknown[]> =>
  (await readMetrics(join(run, 'metrics.jsonl'))).map((row) =>
    row.type === 'step' ? { type: row.type, lr: 0 } : row,
  );

async function failure(work: PromiseLike<unknown>): Promise<LmError> {
  const error = await Promise.resolve(work).catch((reason: unknown) => reason);
  if (isLmError(error)) return error;
  throw new Error(`expected an LmError, received ${String(error)}`);
}

describe('a resumed run', () => {
  it.each([
    { title: 'SGD', more: {}, from: [0, 3, 4] },
    { title: 'AdamW', more: { optimizer: 'adamw', lr: 0.01 }, from: [3] },
    { title: 'float16, whose loss is scaled', more: { amp: 'float16', lr: 0.01 }, from: [3] },
    { title: 'bfloat16', more: { amp: 'bfloat16', lr: 0.01 }, from: [0, 3] },
    { title: 'every image three times', more: { augRepeats: 3 }, from: [3] },
    { title: 'LAMB, two batches a step', more: { optimizer: 'lamb', batch: 4, accumulate: 2 }, from: [3] },
  ] as const)('ends in the same bytes from every checkpoint: $title', async ({ more, from }) => {
    const run = await undisturbed(more);
    for (const step of from) {
      const copy = await copyOf(run);
      const path = join(copy, `checkpoint-${step}.safetensors`);
      const result = await train(await loaded(path), data, { resume: path });
      expect(result).toMatchObject({ steps: 8, run: copy, stopped: false });
      for (const name of ['checkpoint.safetensors', 'best.safetensors'])
        expect(await bytes(copy, name), `${name} from ${step}`).toBe(await bytes(run, name));
      expect((await readdir(copy)).toSorted()).toEqual((await readdir(run)).toSorted());
    }
  });

  it('goes on where it was aborted, in the middle of an epoch', async () => {
    const whole = await undisturbed();
    const run = join(await temporaryFolder(), 'run');
    const controller = new AbortController();
    const handle = train(await tinyModel(), data, { ...settings, run, signal: controller.signal });
    const looping = (async () => {
      for await (const event of handle) if (event.type === 'step' && event.step >= 2) controller.abort();
    })();
    expect((await failure(looping)).code).toBe('ERR_ABORTED');
    const model = await loaded(join(run, 'checkpoint.safetensors'));
    await train(model, data, { resume: run });
    expect(await bytes(run)).toBe(await bytes(whole));
  });

  it('has one log without gap or repetition, and tells where it goes on', async () => {
    const run = await undisturbed({ tensorboard: true });
    const copy = await copyOf(run);
    await rm(join(copy, 'checkpoint.safetensors'));
    await writeFile(join(copy, '.0123456789abcdef.tmp'), 'of a process that was killed');
    const path = join(copy, 'checkpoint-6.safetensors');
    const handle = train(await loaded(path), data, { resume: path });
    const events: TrainEvent[] = [];
    for await (const event of handle) events.push(event);
    expect(events[0]).toEqual({ type: 'resume', step: 6, path });
    const rows = await readMetrics(join(copy, 'metrics.jsonl'));
    const steps = rows.filter(({ type }) => type === 'step').map(({ step }) => step);
    expect(steps).toEqual([...new Set(steps)].toSorted((a, b) => a - b));
    expect(steps).toContain(6);
    const others = async (folder: string): Promise<unknown[]> =>
      (await rowsOf(folder)).filter((row) => (row as { type: string }).type !== 'step');
    expect(await others(copy)).toEqual(await others(run));
    expect((await readdir(copy)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect((await handle).seconds).toBeGreaterThan(0);
    const boards = (await readdir(copy)).filter((name) => name.startsWith('events.')).toSorted();
    expect(boards).toHaveLength(2);
    const start = (await readEvents(join(copy, boards[1] ?? ''))).find(({ sessionLog }) => sessionLog);
    expect(Number(start?.step)).toBe(7);
  });

  it('that was complete has nothing left to do, and gives its result again', async () => {
    const run = await undisturbed();
    const before = await bytes(run);
    const model = await loaded(join(run, 'checkpoint.safetensors'));
    const result = await train(model, data, { resume: run });
    const { loss, top1, top5, count } = await evaluateInDetail(model, data.test ?? noise(8));
    expect(result).toMatchObject({ steps: 8, stopped: false, evaluation: { loss, top1, top5, count } });
    expect(await bytes(run)).toBe(before);
  });

  it('may be made otherwise where that leaves the weights alone', async () => {
    const run = await undisturbed();
    const path = join(run, 'checkpoint-6.safetensors');
    await train(await loaded(path), data, { resume: path, workers: 1, keepLast: 1, keepBest: 0 });
    expect((await readdir(run)).filter((name) => name.startsWith('checkpoint-'))).toEqual([
      'checkpoint-8.safetensors',
    ]);
  });
});

describe('a run that cannot go on', () => {
  const other = noise(32);
  const changed = { ...other, labels: other.labels.toReversed() };
  it.each([
    {
      title: 'other settings',
      options: { lr: 0.1, epochs: 5 },
      says: ['lr was 0.05, is 0.1', 'epochs was 2, is 5'],
    },
    { title: 'more images', data: { ...data, train: noise(40) }, says: ['data.train.count was 32, is 40'] },
    { title: 'other labels', data: { ...data, train: changed }, says: ['data.train.digest'] },
    { title: 'no held-out images', data: { train: data.train }, says: ['data.test.count was 8'] },
  ])('says what differs: $title', async ({ options = {}, data: given = data, says }) => {
    const run = await undisturbed();
    const before = await bytes(run);
    const model = await loaded(join(run, 'checkpoint-6.safetensors'));
    const error = await failure(
      train(model, given, { resume: join(run, 'checkpoint-6.safetensors'), ...options }),
    );
    expect(error.code).toBe('ERR_CONFIG');
    for (const text of says) expect(error.message).toContain(text);
    expect(await bytes(run)).toBe(before);
    expect(model.training).toBe(false);
  });

  it('is refused: another network, another precision', async () => {
    const run = await undisturbed();
    const wide = await loaded(join(run, 'checkpoint.safetensors'), { dtype: 'float64' });
    expect(await codeOf(train(wide, data, { resume: run }).then())).toBe('ERR_CONFIG');
    const path = join(await temporaryFolder(), 'alone.safetensors');
    await wide.save(path);
    expect(await codeOf(train(wide, data, { resume: path }).then())).toBe('ERR_CHECKPOINT');
  });

  it('is refused: a new folder beside, no such folder, a folder without a checkpoint', async () => {
    const model = await tinyModel();
    expect(await codeOf(() => train(model, data, { run: 'a', resume: 'b' }))).toBe('ERR_CONFIG');
    expect(await codeOf(train(model, data, { resume: '/nowhere' }).then())).toBe('ERR_FILE');
    expect(await codeOf(train(model, data, { resume: await temporaryFolder() }).then())).toBe('ERR_FILE');
  });

  it('may be stopped before its checkpoint was read', async () => {
    const run = await undisturbed();
    const path = join(run, 'checkpoint-6.safetensors');
    expect(await train(await loaded(path), data, { resume: path }).stop()).toMatchObject({
      steps: 6,
      stopped: true,
    });
    expect((await readCheckpointInfo(join(run, 'checkpoint.safetensors'))).run).toMatchObject({ step: 6 });
  });
});

describe('a damaged checkpoint', () => {
  const damages: readonly { title: string; damage: (path: string) => Promise<void> }[] = [
    { title: 'cut off', damage: (path) => truncate(path, 5000) },
    { title: 'empty', damage: (path) => truncate(path, 0) },
    {
      title: 'with one bit changed',
      async damage(path) {
        const file = await open(path, 'r+');
        const at = (await file.stat()).size - 100;
        const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
        await file.write(Buffer.of((buffer[0] ?? 0) ^ 4), 0, 1, at);
        await file.close();
      },
    },
    {
      title: 'of a newer format',
      damage: (path) => writeSafetensors(path, [], { format: 'lm-resnet', version: '99' }),
    },
    { title: 'of another program', damage: (path) => writeSafetensors(path, [], { format: 'pt' }) },
  ];

  it.each(damages)(
    'is an error that names the one before it, which then serves: $title',
    async ({ damage }) => {
      const run = await undisturbed();
      const whole = await bytes(run);
      await rm(join(run, 'checkpoint-8.safetensors'));
      await damage(join(run, 'checkpoint.safetensors'));
      const older = join(run, 'checkpoint-6.safetensors');
      const model = await loaded(older);
      const error = await failure(train(model, data, { resume: run }));
      expect(error.code).toBe('ERR_CHECKPOINT');
      expect(error.hint).toContain(older);
      expect(await lastGoodCheckpoint(run)).toBe(older);
      await train(model, data, { resume: older });
      expect(await bytes(run)).toBe(whole);
    },
  );

  it('is an error where none is whole', async () => {
    const run = await undisturbed({ keepLast: 1, keepBest: 0 });
    await truncate(join(run, 'checkpoint.safetensors'), 100);
    expect(await codeOf(lastGoodCheckpoint(run))).toBe('ERR_CHECKPOINT');
    expect(await codeOf(lastGoodCheckpoint(await temporaryFolder()))).toBe('ERR_FILE');
  });
});
