/** How a training ends: aborted, not finite, closed; and what it leaves on the disk. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCheckpointInfo } from '../../src/checkpoint/checkpoint.ts';
import { isLmError, type LmError } from '../../src/errors.ts';
import { evaluateInDetail } from '../../src/evaluate/evaluateInDetail.ts';
import { readMetrics } from '../../src/run/metricsLog.ts';
import { constant } from '../../src/train/schedules.ts';
import { type TrainOptions, train } from '../../src/train/train.ts';
import { runWithSmallFiles } from '../support/children.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { dist } from '../support/libtorch.ts';
import { loaded, noise, tensorsOf, tinyModel } from '../support/training.ts';

const data = { train: noise(32), test: noise(8, 1) };
const endless: TrainOptions = { epochs: 1_000_000, batch: 16 };

async function newFolder(): Promise<string> {
  return join(await temporaryFolder(), 'runs', 'a');
}

async function failure(work: PromiseLike<unknown>): Promise<LmError> {
  const error = await Promise.resolve(work).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (isLmError(error)) return error;
  throw new Error(`expected an LmError, received ${String(error)}`);
}

describe('a training with a signal', () => {
  it('that was aborted before the start does no step, and leaves a checkpoint of the start', async () => {
    const [model, run] = [await tinyModel(), await newFolder()];
    const error = await failure(train(model, data, { ...endless, run, signal: AbortSignal.abort('why') }));
    expect(error).toMatchObject({ code: 'ERR_ABORTED', exitCode: 130, cause: 'why' });
    const checkpoint = join(run, 'checkpoint.safetensors');
    expect(await tensorsOf(await loaded(checkpoint))).toEqual(await tensorsOf(model));
    expect((await readCheckpointInfo(checkpoint)).run).toMatchObject({ step: 0 });
  });

  it('that is aborted midway rejects after the step under way, and says where the weights are', async () => {
    const [model, run] = [await tinyModel(), await newFolder()];
    const controller = new AbortController();
    const handle = train(model, data, { ...endless, run, signal: controller.signal });
    const looping = (async () => {
      for await (const event of handle) if (event.type === 'step') controller.abort();
    })();
    const error = await failure(looping);
    expect(error.code).toBe('ERR_ABORTED');
    expect(error.hint).toContain(join(run, 'checkpoint.safetensors'));
    expect(await failure(handle)).toBe(error);
    const copy = await loaded(join(run, 'checkpoint.safetensors'));
    expect(await tensorsOf(copy)).toEqual(await tensorsOf(model));
    const { step } = (await readCheckpointInfo(join(run, 'checkpoint.safetensors'))).run ?? {};
    expect((await readMetrics(join(run, 'metrics.jsonl'))).at(-1)?.step).toBe(step);
    expect(await train(model, data, { steps: 1, batch: 16 })).toMatchObject({ steps: 1 });
  });

  it('that is aborted after the end is done', async () => {
    const controller = new AbortController();
    const run = train(await tinyModel(), data, { steps: 2, batch: 16, signal: controller.signal });
    await run;
    controller.abort();
    expect(await run).toMatchObject({ steps: 2, stopped: false });
  });
});

describe('a training whose numbers are not finite', () => {
  it('stops with the weights of the last good step', async () => {
    const [model, run] = [await tinyModel(), await newFolder()];
    const settings = { ...endless, lr: 1e9, schedule: constant(), run };
    const error = await failure(train(model, data, settings));
    expect(error).toMatchObject({ code: 'ERR_NOT_FINITE', exitCode: 4 });
    const weights = await tensorsOf(model);
    for (const { path } of [...model.graph.params, ...model.graph.buffers])
      expect(weights[path]?.every(Number.isFinite), path).toBe(true);
    expect(await tensorsOf(await loaded(join(run, 'checkpoint.safetensors')))).toEqual(weights);
    const steps = (await readMetrics(join(run, 'metrics.jsonl'))).filter((row) => row.type === 'step');
    const info = await readCheckpointInfo(join(run, 'checkpoint.safetensors'));
    expect(info.run).toMatchObject({ step: steps.at(-1)?.step });
  });

  it.each(['stem.conv', 'stage1.step1.f0.conv2', 'stage2.step0.f0.bn1', 'head.fc'])(
    'names the layer in which the first of them appears: %s',
    async (layer) => {
      const model = await tinyModel();
      const path = `${layer}.weight`;
      await model.writeTensor(path, (await model.readTensor(path)).fill(Number.NaN));
      const before = await tensorsOf(model);
      const error = await failure(train(model, data, { steps: 3, batch: 16 }));
      expect(error.code).toBe('ERR_NOT_FINITE');
      expect(error.message).toContain(layer);
      expect(await tensorsOf(model)).toEqual(before);
    },
  );
});

describe('the folder of a run', () => {
  it('holds settings, log, picture and checkpoint', async () => {
    const [model, run] = [await tinyModel(), await newFolder()];
    const result = await train(model, data, { epochs: 3, batch: 16, lr: 0.05, run });
    const files = [
      'checkpoint.safetensors',
      'curves.png',
      'evaluation.json',
      'metrics.jsonl',
      'settings.json',
    ];
    expect(await readdir(run)).toEqual(expect.arrayContaining(files));
    expect(result).toMatchObject({ run, checkpoint: join(run, 'checkpoint.safetensors') });
    const settings = JSON.parse(await readFile(join(run, 'settings.json'), 'utf8'));
    expect(settings).toMatchObject({ model: 'tiny', epochs: 3, batch: 16, lr: 0.05, momentum: 0.9 });
    const rows = await readMetrics(join(run, 'metrics.jsonl'));
    expect(rows.filter(({ type }) => type === 'eval').map(({ step }) => step)).toEqual([2, 4, 6]);
    expect(rows.at(-1)).toMatchObject({ type: 'eval', top1: result.evaluation?.top1 });
    const copy = await loaded(result.checkpoint ?? '');
    expect(await evaluateInDetail(copy, data.test)).toMatchObject(result.evaluation ?? {});
    const { step, totalSteps } = (await readCheckpointInfo(result.checkpoint ?? '')).run ?? {};
    expect({ step, totalSteps }).toEqual({ step: 6, totalSteps: 6 });
  });

  it('may exist when it is empty, but is never written over', async () => {
    const run = await temporaryFolder();
    await train(await tinyModel(), data, { steps: 1, batch: 16, run });
    const contents = async (): Promise<string[]> =>
      Promise.all((await readdir(run)).map((name) => readFile(join(run, name), 'base64')));
    const before = await contents();
    const model = await tinyModel();
    expect(await codeOf(train(model, data, { steps: 1, batch: 16, run }).then())).toBe('ERR_RUN_EXISTS');
    expect(await contents()).toEqual(before);
    expect(model.training).toBe(false);
  });

  it.each(['/dev/null/run', '/proc/run'])('that cannot be made is ERR_FILE: %s', async (run) => {
    const model = await tinyModel();
    expect(await codeOf(train(model, data, { ...endless, run }).then())).toBe('ERR_FILE');
    expect(await train(model, data, { steps: 1, batch: 16 })).toMatchObject({ steps: 1 });
  });

  it('is ERR_FILE when it is a file', async () => {
    const run = join(await temporaryFolder(), 'file');
    await writeFile(run, 'mine');
    expect(await codeOf(train(await tinyModel(), data, { ...endless, run }).then())).toMatch(
      /^ERR_(FILE|RUN_EXISTS)$/,
    );
    expect(await readFile(run, 'utf8')).toBe('mine');
  });

  it.each([
    { title: 'the checkpoint', kib: 16, epochs: 1 },
    { title: 'the log', kib: 1, epochs: 1000 },
  ])('on a disk that takes no more of $title is ERR_FILE, and the process lives', async ({ kib, epochs }) => {
    const run = await newFolder();
    const { stdout } = await runWithSmallFiles(
      kib,
      `const { createModel, imageSet, init, train } = await import('${dist}index.js');
      init({ threads: 1 });
      const model = await createModel('lm_resnet20', { input: [1, 4, 4], device: 'cpu' });
      const set = imageSet({ images: new Uint8Array(32), labels: [0, 1], height: 4, width: 4, channels: 1 });
      const run = train(model, { train: set }, { batch: 2, epochs: ${epochs}, run: ${JSON.stringify(run)} });
      const code = await run.catch((error) => error.code);
      const { steps } = await train(model, { train: set }, { batch: 2, steps: 1 });
      console.log(code, steps);`,
    );
    expect(stdout).toBe('ERR_FILE 1\n');
    expect((await readdir(run)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
