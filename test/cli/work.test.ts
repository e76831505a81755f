/** The command line at work: train on a tiny data set. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/checkpoint/safetensors.ts';
import { runCli } from '../support/children.ts';
import { cli } from '../support/cli.ts';
import { job, lastLine, place } from '../support/job.ts';

const keys = ['top1', 'loss', 'steps', 'trainSeconds', 'imagesPerSecond', 'checkpoint', 'run'];

describe('train', () => {
  it('ends with one line of JSON, in a process of its own, from gzipped files', async () => {
    const { args, run, checkpoint } = await job({ gzip: true });
    const { code, stdout, stderr } = await runCli([...args, '--steps', '3', '--lr', '0.01']);
    expect(code).toBe(0);
    const result = lastLine(stdout);
    expect(Object.keys(result)).toEqual(keys);
    expect(result).toMatchObject({ steps: 3, run, checkpoint });
    expect(stdout.split('\n')).toHaveLength(2);
    expect(stderr).toContain('step 3/3');
    const files = [
      'checkpoint.safetensors',
      'curves.png',
      'evaluation.json',
      'metrics.jsonl',
      'settings.json',
    ];
    expect(await readdir(run)).toEqual(expect.arrayContaining(files));
  });

  it('leaves a checkpoint of which info tells the run', async () => {
    const { args, checkpoint } = await job();
    expect((await cli([...args, '--steps', '2', '--lr', '0.01', '--quiet'])).code).toBe(0);
    const { checkpoint: facts } = lastLine((await cli(['info', checkpoint, '--json'])).stdout);
    const run = { step: 2, totalSteps: 2, evaluation: { step: 2 }, settings: { lr: 0.01, batch: 16 } };
    expect(facts).toMatchObject({ dtype: 'float32', bytes: (await stat(checkpoint)).size, run });
    expect((await cli(['info', checkpoint])).stdout).toContain('run: step 2 of 2; test loss');
  });

  it('says nothing on standard error with --quiet', async () => {
    const { args } = await job();
    const { code, stderr } = await runCli([...args, '--steps', '1', '--quiet']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('prints what came of it in words without --json', async () => {
    const { args, run } = await job();
    const { code, stdout } = await cli([...args.filter((arg) => arg !== '--json'), '--steps', '1']);
    expect(code).toBe(0);
    expect(stdout).toContain(`run: ${run}`);
  });

  it('takes its options from a file, and those of flags before them', async () => {
    const { data, run } = await job();
    const file = join(data, 'train.yaml');
    await writeFile(file, `data: mnist:${data}\nsteps: 5\nlr: 0.03\nschedule: { kind: cosine }\n`);
    const flags = [
      'train',
      '--config',
      file,
      '--steps',
      '1',
      '--batch',
      '8',
      '--run',
      run,
      '--json',
      ...place,
    ];
    const { code, stdout } = await cli(flags);
    expect({ code, ...lastLine(stdout) }).toMatchObject({ code: 0, steps: 1 });
    const settings = JSON.parse(await readFile(join(run, 'settings.json'), 'utf8'));
    expect(settings).toMatchObject({ steps: 1, batch: 8, lr: 0.03, schedule: { kind: 'cosine' } });
  });

  it('starts from a recipe, which flags change', async () => {
    const { run, args } = await job();
    const { code } = await cli([...args, '--recipe', 'mnist-onecycle', '--no-nesterov', '--steps', '1']);
    expect(code).toBe(0);
    const settings = JSON.parse(await readFile(join(run, 'settings.json'), 'utf8'));
    expect(settings).toMatchObject({ lr: 0.2, batch: 16, nesterov: false, schedule: { kind: 'oneCycle' } });
  });

  it('takes model and transforms from a recipe too, unless a flag or the data set has its own', async () => {
    const { args, data, run } = await job();
    const recipe = ['--recipe', 'lm-cifar10', '--steps', '1'];
    const { code, stdout } = await cli([...args, ...recipe]);
    expect(code).toBe(0);
    const settings = JSON.parse(await readFile(join(run, 'settings.json'), 'utf8'));
    expect(settings).toMatchObject({ model: 'lm_resnet56', nesterov: false, epochs: 160 });
    const trained = async (set: object, folder: string) => {
      const own = [
        '--run',
        `${run}-${folder}`,
        '--data',
        JSON.stringify({ kind: 'mnist', path: data, ...set }),
      ];
      return lastLine((await cli([...args, ...recipe, ...own])).stdout).loss;
    };
    expect(await trained({}, 'same')).toBe(lastLine(stdout).loss);
    expect(await trained({ transform: [] }, 'own')).not.toBe(lastLine(stdout).loss);
  });

  it('goes through all of it once with --fast-dev-run, and leaves nothing', async () => {
    const { data, run } = await job();
    const args = ['train', '--data', `mnist:${data}`, '--batch', '16', '--fast-dev-run', '--json', ...place];
    const { code, stdout, stderr } = await cli([...args, '--epochs', '50']);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(lastLine(stdout)).toEqual({ fastDevRun: true, loss: expect.any(Number) });
    const few = await cli([...args, '--batch', '4096', '--accumulate', '2']);
    expect({ code: few.code, stderr: few.stderr }).toMatchObject({ code: 0 });
    expect(few.stderr).toMatch(/note: mnist has (\d+) images, a step takes 2 x 4096: this try takes 2 x \d+/);
    expect((await cli([...args, '--run', run])).code).toBe(2);
    expect(existsSync(run)).toBe(false);
  });

  it('takes single choices of augmentation beside a recipe, but not beside a whole transform', async () => {
    const { data, run } = await job();
    const choices = ['--reprob', '1', '--remode', 'const', '--color-jitter', '0.4', '--crop-pct', '0.9'];
    const train = ['train', '--batch', '16', '--steps', '1', '--run', run, '--json', ...choices, ...place];
    const { code, stderr } = await cli([...train, '--data', `mnist:${data}`]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const { stdout } = await cli(['info', join(run, 'checkpoint.safetensors'), '--json']);
    const { transform } = JSON.parse(stdout).checkpoint.preprocessing;
    expect(transform).toContainEqual(expect.objectContaining({ kind: 'resize', size: 31 })); // floor(28 / 0.9)
    const own = JSON.stringify({ kind: 'mnist', path: data, transform: [] });
    const refused = await cli([...train, '--run', `${run}-2`, '--data', own]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('transform of the data set')]);
    const resumed = await cli([
      'train',
      '--resume',
      run,
      '--data',
      `mnist:${data}`,
      '--reprob',
      '0.1',
      ...place,
    ]);
    expect(resumed.code).toBe(2);
  });

  it('never writes over a run', async () => {
    const { args, run } = await job();
    await mkdir(run, { recursive: true });
    await writeFile(join(run, 'mine'), 'mine');
    const { code, stdout } = await cli(args);
    expect({ code, ...lastLine(stdout) }).toMatchObject({ code: 3, error: { code: 'ERR_RUN_EXISTS' } });
    expect(await readdir(run)).toEqual(['mine']);
  });

  it.each([
    { file: 'train-images-idx3-ubyte', bytes: 1000 },
    { file: 't10k-images-idx3-ubyte', bytes: 20 },
    { file: 'train-labels-idx1-ubyte', bytes: 0 },
  ])('exits with 3 when $file is cut off after $bytes bytes', async ({ file, bytes }) => {
    const { args, data, run } = await job();
    await truncate(join(data, file), bytes);
    const { code, stdout, stderr } = await cli(args);
    expect({ code, ...lastLine(stdout) }).toMatchObject({ code: 3, error: { code: 'ERR_DATASET' } });
    expect(stderr).toContain(file);
    expect(await readdir(join(run, '..')).catch(() => [])).toEqual([]);
  });

  it('exits with 2 when there are fewer images than one batch', async () => {
    const { args } = await job();
    const { code, stdout } = await cli([...args, '--batch', '33']);
    expect({ code, ...lastLine(stdout) }).toMatchObject({ code: 2, error: { code: 'ERR_CONFIG' } });
  });

  it('exits with 4 when the numbers are not finite, and leaves a checkpoint', async () => {
    const { args, checkpoint } = await job();
    const flags = ['--lr', '1e30', '--schedule', 'constant', '--epochs', '10', '--quiet'];
    const { code, stdout } = await cli([...args, ...flags]);
    expect({ code, ...lastLine(stdout) }).toMatchObject({ code: 4, error: { code: 'ERR_NOT_FINITE' } });
    expect((await cli(['info', checkpoint])).code).toBe(0);
  });
});

describe('train --from', () => {
  it('starts from the weights of a checkpoint, and says what it took', async () => {
    const { args, data, checkpoint } = await job();
    expect((await cli([...args, '--steps', '1', '--quiet'])).code).toBe(0);
    const run = join(data, '..', 'second');
    const more = [
      'train',
      '--data',
      `mnist:${data}`,
      '--run',
      run,
      '--steps',
      '1',
      '--batch',
      '16',
      ...place,
    ];
    const { code, stderr } = await cli([...more, '--from', checkpoint, '--freeze', 'stem,stage1']);
    expect(code).toBe(0);
    expect(stderr).toContain('none begins anew');
    const [first, second] = await Promise.all(
      [checkpoint, join(run, 'checkpoint.safetensors')].map((path) => readSafetensors(path)),
    );
    for (const name of ['stem.conv.weight', 'stage1.step0.f0.conv1.weight'])
      expect(second?.tensors.get(name)).toEqual(first?.tensors.get(name));
    expect(second?.tensors.get('head.fc.weight')).not.toEqual(first?.tensors.get('head.fc.weight'));
    expect((await cli([...more, '--from', checkpoint, '--model', 'lm_resnet20'])).code).toBe(2);
  });
});

describe('train --resume', () => {
  it('goes on with the transforms that a recipe brought', async () => {
    const { args, data, run, checkpoint } = await job();
    const recipe = ['--recipe', 'lm-cifar10', '--model', 'lm_resnet20', '--epochs', '2', '--quiet'];
    expect((await cli([...args, ...recipe])).code).toBe(0);
    const bytes = await readFile(checkpoint, 'base64');
    const older = join(run, 'checkpoint-2.safetensors');
    const resume = ['train', '--data', `mnist:${data}`, '--json', '--quiet', '--resume', older];
    expect((await cli([...resume, '--device', 'cpu'])).code).toBe(0);
    expect(await readFile(checkpoint, 'base64')).toBe(bytes);
  });

  it('goes on with model, settings and threads of the run, to the bytes of an undisturbed one', async () => {
    const { args, data, run, checkpoint } = await job();
    const flags = ['--epochs', '3', '--lr', '0.01', '--mixup', '0.2', '--quiet'];
    expect((await cli([...args, ...flags])).code).toBe(0);
    const bytes = await readFile(checkpoint, 'base64');
    const older = join(run, 'checkpoint-2.safetensors');
    const resume = ['train', '--data', `mnist:${data}`, '--json', '--device', 'cpu', '--resume'];
    for (const more of [[older], [run], [run, '--keep-last', '5']]) {
      const { code, stdout } = await cli([...resume, ...more, '--quiet']);
      expect({ code, ...lastLine(stdout) }).toMatchObject({ code: 0, steps: 6, run });
      if (!more.includes('--keep-last')) expect(await readFile(checkpoint, 'base64')).toBe(bytes);
    }
  });

  it('says what stands in its way, and takes an older checkpoint where it is asked to', async () => {
    const { args, data, run, checkpoint } = await job();
    expect((await cli([...args, '--epochs', '2', '--lr', '0.01', '--quiet'])).code).toBe(0);
    const resume = ['train', '--data', `mnist:${data}`, '--json', ...place, '--resume', run];
    const codeWith = async (...more: string[]): Promise<unknown> => {
      const { code, stdout } = await cli([...resume, ...more]);
      return { code, error: (lastLine(stdout).error as { code?: string } | undefined)?.code };
    };
    expect(await codeWith('--lr', '0.02')).toEqual({ code: 2, error: 'ERR_CONFIG' });
    expect(await codeWith('--model', 'lm_resnet20')).toEqual({ code: 2, error: 'ERR_CONFIG' });
    await truncate(checkpoint, 9999);
    expect(await codeWith()).toEqual({ code: 3, error: 'ERR_CHECKPOINT' });
    expect(await codeWith('--resume-fallback')).toEqual({ code: 0, error: undefined });
    expect((await cli(['info', checkpoint])).code).toBe(0);
  });
});
