/** Data sets of every kind under train, evaluate and analyze. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { beginningOf, modelFor } from '../../src/cli/beginning.ts';
import { dataSpec, openPart, openSets } from '../../src/cli/sets.ts';
import { Dataset } from '../../src/loading/dataset.ts';
import { Model } from '../../src/model/model.ts';
import { imagenetMean, imagenetStd } from '../../src/transforms/transforms.ts';
import '../support/addon.ts';
import { cli } from '../support/cli.ts';
import { codeOf } from '../support/failures.ts';
import { writeDigits } from '../support/files/idx.ts';
import { photosOf, writePhotos } from '../support/files/photos.ts';
import { temporaryFolder } from '../support/folder.ts';

const place = ['--device', 'cpu', '--threads', '1'];

/** Folders of photos: some without parts (4 + 4), some with (4 + 4 to train on, 2 + 2 to test on). */
async function folders(): Promise<{ folder: string; whole: string; parted: string }> {
  const folder = await temporaryFolder();
  const whole = await writePhotos(join(folder, 'whole'), photosOf(2, 4));
  const parted = join(folder, 'parted');
  await writePhotos(join(parted, 'train'), photosOf(2, 4));
  await writePhotos(join(parted, 'val'), photosOf(2, 2));
  return { folder, whole, parted };
}

const said = (text: string): Record<string, unknown> => JSON.parse(text.trimEnd().split('\n').at(-1) ?? '');

async function closed<T>(data: Dataset, work: (data: Dataset) => T | Promise<T>): Promise<T> {
  await using open = data;
  return await work(open);
}

const countOf = (data: Dataset): Promise<number | null> => closed(data, ({ count }) => count);

describe('what a command opened', () => {
  it.each([
    { title: 'once it is done', flags: [], models: 1, sets: 2, code: 0 },
    {
      title: 'when what to test on is missing',
      flags: ['--test', 'records:none'],
      models: 0,
      sets: 1,
      code: 3,
    },
    { title: 'when there is no such model file', flags: ['--from', 'none'], models: 0, sets: 2, code: 3 },
    { title: 'when its first step fails', flags: ['--freeze', 'nothing'], models: 1, sets: 2, code: 2 },
  ])('is closed $title', async ({ flags, models, sets, code }) => {
    const folder = await temporaryFolder();
    const digits = await writeDigits(join(folder, 'digits'));
    const [closedModels, closedSets] = [
      vi.spyOn(Model.prototype, 'close'),
      vi.spyOn(Dataset.prototype, 'close'),
    ];
    try {
      const run = ['--run', join(folder, 'run'), '--steps', '1', '--batch', '8', '--quiet', ...place];
      const told = await cli(['train', '--data', `mnist:${digits}`, ...run, ...flags]);
      expect(told.code).toBe(code);
      expect([closedModels.mock.calls.length, closedSets.mock.calls.length]).toEqual([models, sets]);
    } finally {
      closedModels.mockRestore();
      closedSets.mockRestore();
    }
  });
});

describe('the part that is meant', () => {
  it('is the one to test on where there is one, else all, or the one named', async () => {
    const { folder, whole, parted } = await folders();
    const digits = await writeDigits(join(folder, 'digits'), { train: 7, test: 3 });
    const held = { kind: 'imageFolder', path: whole, holdOut: { fraction: 0.25 } };
    for (const [value, split, count] of [
      [`imageFolder:${whole}`, undefined, 8],
      [`imageFolder:${whole}`, 'train', 8],
      [`imageFolder:${parted}`, undefined, 4],
      [`imageFolder:${parted}`, 'train', 8],
      [`imageFolder:${parted}/train`, undefined, 8],
      [`mnist:${digits}`, undefined, 3],
      [`mnist:${digits}`, 'train', 7],
      [held, undefined, 2],
      [JSON.stringify(held), 'train', 6],
    ] as const)
      expect([value, split, await countOf(await openPart(value, split))]).toEqual([value, split, count]);
  });

  it('may be chosen from by its labels', async () => {
    const { whole } = await folders();
    const last = (labels: Int32Array, classes: number): Int32Array =>
      Int32Array.of(labels.length - 1, classes - 2);
    const data = await openPart(`imageFolder:${whole}`, undefined, last);
    expect(await closed(data, ({ labels }) => [...(labels ?? [])])).toEqual([1, 0]);
  });
});

describe('what to train and to test on', () => {
  it('is of one set where it has such parts, else of another, or none', async () => {
    const { whole, parted } = await folders();
    const crop = [{ kind: 'centerCrop', size: 8 }];
    for (const [value, test, counts] of [
      [`imageFolder:${parted}`, undefined, [8, 4]],
      [`imageFolder:${whole}`, undefined, [8, null]],
      [`imageFolder:${whole}`, `imageFolder:${parted}`, [8, 4]],
      [`imageFolder:${parted}`, { kind: 'imageFolder', path: whole }, [8, 8]],
      [{ kind: 'imageFolder', path: whole, holdOut: { fraction: 0.5 }, transform: crop }, undefined, [4, 4]],
    ] as const) {
      const sets = await openSets(value, test);
      expect(sets.test?.transform).toBeUndefined();
      expect([await countOf(sets.train), sets.test === undefined ? null : await countOf(sets.test)]).toEqual(
        counts,
      );
    }
  });

  it('is refused by the name of the flag', async () => {
    const { whole } = await folders();
    await expect(openSets(`imageFolder:${whole}`, 'x')).rejects.toThrow('`test`');
    await expect(openSets(3, undefined)).rejects.toThrow('data');
    expect(await codeOf(() => dataSpec({ kind: 'mnist', path: 'x' }, 'val'))).toBe('ERR_CONFIG');
  });
});

describe('a new model', () => {
  it('gets its input and classes from the data, and its size from the flag', async () => {
    const { folder, whole } = await folders();
    const modelOf = async (data: string, imageSize?: number): Promise<object> => {
      const beginning = beginningOf({ data, imageSize, device: 'cpu' }, {});
      return closed(await openPart(data), async (open) => {
        await using model = await modelFor(beginning, open);
        return { ...model.input, classNames: model.classNames };
      });
    };
    const digits = { channels: 1, height: 28, width: 28, mean: [0.1307], std: [0.3081] };
    const mnist = `mnist:${await writeDigits(join(folder, 'digits'))}`;
    expect(await modelOf(mnist)).toMatchObject(digits);
    expect(await modelOf(mnist, 64)).toMatchObject({ ...digits, height: 64, width: 64 });
    const photos = { mean: imagenetMean, std: imagenetStd, classNames: ['a', 'b'] };
    expect(await modelOf(`imageFolder:${whole}`, 64)).toMatchObject({ ...photos, height: 64, width: 64 });
    expect(await modelOf(`imageFolder:${whole}`)).toMatchObject({ ...photos, height: 32, width: 32 });
  });
});

describe('folders of photos', () => {
  it('are told of: which parts are used, and what is passed over', async () => {
    const { folder, parted } = await folders();
    await writePhotos(join(parted, 'test'), photosOf(2, 1));
    await writePhotos(join(parted, 'train/.ipynb_checkpoints'), photosOf(1, 1));
    await writeFile(join(parted, 'val/a/notes.txt'), '');
    const told = [
      `note: ${parted}: used are train and val; not used: test`,
      `note: ${parted}/train: passed over as hidden: .ipynb_checkpoints`,
      `note: ${parted}/val: passed over as no images: a/notes.txt`,
    ];
    const data = ['--data', `imageFolder:${parted}`, '--image-size', '16', '--batch', '4', '--workers', '1'];
    const run = ['--steps', '1', '--run', join(folder, 'run'), ...place];
    const trained = await cli(['train', ...data, ...run]);
    expect(trained.stderr.split('\n').filter((line) => line.startsWith('note: '))).toEqual(told);
    const packed = await cli(['pack', `imageFolder:${parted}`, join(folder, 'records'), '--split', 'test']);
    expect(packed.stderr.split('\n').filter((line) => line.startsWith('note: '))).toEqual([told[0], told[2]]);
    const checked = await cli(['data', 'check', `imageFolder:${parted}`, '--quiet']);
    expect({ ...checked, code: 0 }).toMatchObject({ code: 0, stderr: '' });
  });

  it('are trained on, evaluated, analyzed and packed', async () => {
    const { folder, parted } = await folders();
    const data = `imageFolder:${parted}`;
    const run = join(folder, 'run');
    const checkpoint = join(run, 'checkpoint.safetensors');
    const sizes = ['--image-size', '16', '--batch', '4', '--workers', '1'];
    const trained = await cli([
      'train',
      '--data',
      data,
      ...sizes,
      '--epochs',
      '1',
      '--run',
      run,
      '--json',
      '--quiet',
      ...place,
    ]);
    expect({ ...trained, ...said(trained.stdout) }).toMatchObject({ code: 0, stderr: '', steps: 2, run });
    const info = await cli(['info', checkpoint, '--json']);
    expect(said(info.stdout)).toMatchObject({ classes: 2, input: { channels: 3, height: 16, width: 16 } });

    const evaluate = ['evaluate', checkpoint, '--batch', '3', '--json', ...place];
    const evaluated = await cli([...evaluate, '--data', data]);
    expect({ code: evaluated.code, ...said(evaluated.stdout) }).toEqual({
      code: 0,
      top1: said(trained.stdout).top1,
      count: 4,
      nonFinite: 0,
      bad: 0,
      loss: expect.any(Number),
      top5: 1,
      ece: expect.any(Number),
    });
    expect(said((await cli([...evaluate, '--data', data, '--split', 'train'])).stdout)).toMatchObject({
      count: 8,
    });
    const records = join(folder, 'records');
    expect((await cli(['pack', data, records, '--split', 'test', '--quiet'])).code).toBe(0);
    const packed = await cli([...evaluate, '--data', `records:${records}`]);
    expect(said(packed.stdout)).toEqual(said(evaluated.stdout));

    const analyzed = await cli(['analyze', checkpoint, '--data', data, '--count', '3', '--json', ...place]);
    const { images, trajectories } = said(analyzed.stdout) as {
      images: number;
      trajectories: { images: { name: string }[] }[];
    };
    expect(images).toBe(3);
    expect(trajectories[0]?.images.map(({ name }) => name).slice(0, 2)).toEqual(['a', 'b']);
  });

  it('with a bad image are evaluated without it, which is told', async () => {
    const { folder, whole } = await folders();
    const run = join(folder, 'run');
    const data = ['--data', `imageFolder:${whole}`];
    const sizes = ['--image-size', '16', '--batch', '4', '--workers', '1'];
    const trained = await cli([
      'train',
      ...data,
      ...sizes,
      '--steps',
      '1',
      '--run',
      run,
      '--json',
      '--quiet',
      ...place,
    ]);
    expect(said(trained.stdout)).toMatchObject({ top1: null, steps: 1 });
    await writeFile(join(whole, 'b/1.jpg'), 'no image');
    const evaluate = ['evaluate', join(run, 'checkpoint.safetensors'), ...data, '--json', ...place];
    const { code, stdout, stderr } = await cli(evaluate);
    expect({ code, ...said(stdout) }).toMatchObject({ code: 0, count: 7, bad: 1 });
    expect(stderr).toContain(`bad image ${join(whole, 'b/1.jpg')}: `);
    const thrown = await cli([...evaluate, '--on-bad-image', 'throw']);
    expect({ code: thrown.code, ...said(thrown.stdout) }).toMatchObject({
      code: 3,
      error: { code: 'ERR_IMAGE' },
    });
  });

  it.each(['text', 'options'])('come from a configuration file as %s', async (kind) => {
    const { folder, whole, parted } = await folders();
    const config = join(folder, 'train.yaml');
    const run = join(folder, 'run');
    const data =
      kind === 'text'
        ? `data: imageFolder:${whole}\ntest: imageFolder:${parted}`
        : [
            `data:\n  kind: imageFolder\n  path: ${whole}\n  holdOut: { fraction: 0.5 }`,
            '  transform:\n    - { kind: randomResizedCrop, size: 16 }\n    - { kind: horizontalFlip }',
          ].join('\n');
    await writeFile(config, `${data}\nimageSize: 16\nbatch: 4\nworkers: 1\nsteps: 1\nrun: ${run}\n`);
    const { code, stdout } = await cli(['train', '--config', config, '--json', '--quiet', ...place]);
    expect({ code, ...said(stdout) }).toMatchObject({ code: 0, steps: 1, run, top1: expect.any(Number) });
    const settings = JSON.parse(await readFile(join(run, 'settings.json'), 'utf8'));
    expect(settings).toMatchObject({ batch: 4, workers: 1 });
  });
});
