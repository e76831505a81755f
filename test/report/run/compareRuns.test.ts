import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { network } from '../../../src/models/network.ts';
import { compareRuns } from '../../../src/report/run/compareRuns.ts';
import { mostConfusedClasses } from '../../../src/run/folder.ts';
import { linearTwoStep } from '../../../src/schemes/linearTwoStep.ts';
import { cosine } from '../../../src/train/schedules.ts';
import { train } from '../../../src/train/train.ts';
import { codeOf } from '../../support/failures.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { brightPixels, modelOf } from '../../support/graphs/logits.ts';
import { evalRow, rows, stepRow, writeRun } from '../../support/runs.ts';
import { noise, tiny, tinyConfig, tinyModel } from '../../support/training.ts';

const data = { train: noise(32), test: noise(16, 1) };

describe('compareRuns', () => {
  it('reads what trainings wrote', async () => {
    const folder = await temporaryFolder();
    const [a, b] = [join(folder, 'a'), join(folder, 'b')];
    const first = await train(await tinyModel(), data, { batch: 8, epochs: 2, run: a });
    await train(await tinyModel(), data, { batch: 8, steps: 6, schedule: cosine(), run: b });
    const { runs, differing, equal } = await compareRuns([a, b]);
    const parameters = tiny.params.reduce((sum, { shape }) => sum + shape.reduce((x, y) => x * y), 0);
    expect(runs).toMatchObject([
      { name: 'a', folder: a, model: 'tiny', parameters },
      { name: 'b', folder: b, model: 'tiny', parameters },
    ]);
    expect(runs[0]?.confusion?.confusion.flat().reduce((x, y) => x + y)).toBe(16);
    const { loss, top1, top5 } = first.evaluation ?? {};
    expect(runs[0]?.result).toMatchObject({ steps: 8, epochs: 2, totalSteps: 8, trainLoss: first.loss });
    expect(runs[0]?.result).toMatchObject({ testLoss: loss, testTop1: top1, testTop5: top5 });
    expect(runs[1]?.result).toMatchObject({ steps: 6, epochs: 1.5, totalSteps: 6 });
    const values = Object.fromEntries(differing.map((row) => [row.option, row.values]));
    expect(values).toMatchObject({
      epochs: [2, 1],
      steps: [undefined, 6],
      'schedule.kind': ['oneCycle', 'cosine'],
    });
    expect(equal).toContainEqual({ option: 'batch', values: [8, 8] });
  });

  it.each([
    { classes: mostConfusedClasses, confused: mostConfusedClasses },
    { classes: mostConfusedClasses + 1, confused: undefined },
  ])('reads the confusions of $classes classes, as far as trainings write them', async (row) => {
    const run = join(await temporaryFolder(), 'run');
    const model = await modelOf([[1000, ...Array(row.classes - 1).fill(0)]]); // whose gradient is 0
    const one = brightPixels([0]);
    await train(model, { train: one, test: one }, { batch: 1, steps: 1, optimizer: 'sgd', lr: 0, run });
    const { confusion, result } = (await compareRuns([run])).runs[0] ?? {};
    expect(confusion?.confusion.length).toBe(row.confused);
    expect(result).toMatchObject({ testTop1: 1 });
  });

  it('gives k of every step in the sign of the paper, whatever the scheme stores', async () => {
    const graph = network({
      ...tinyConfig,
      scheme: linearTwoStep({ parameterization: 'official', per: 'channel' }),
    });
    const run = join(await temporaryFolder(), 'run');
    const model = await tinyModel({}, graph);
    await train(model, data, { batch: 8, epochs: 2, run });
    const { coefficients } = (await compareRuns([run])).runs[0] ?? {};
    const paths = graph.params.filter(({ kind }) => kind === 'coefficient').map(({ path }) => path);
    const means = await Promise.all(
      paths.map(async (path) => {
        const stored = Array.from(await model.readTensor(path));
        return 1 - stored.reduce((a, b) => a + b, 0) / stored.length;
      }),
    );
    expect(coefficients).toMatchObject({ kind: 'k', steps: [0, 4, 8], epochs: [0, 1, 2] });
    expect(coefficients?.names).toEqual(paths.map((path) => path.replace(/\.ks$/, '')));
    for (const [i, mean] of means.entries()) expect(coefficients?.values[i]?.[2]).toBeCloseTo(mean, 6);
  });

  it('gives coefficients as they are stored while there is no checkpoint', async () => {
    const values = { 'stage1.step1.k': [-0.25], 'stage2.step1.k': [0, 0.5] };
    const log = [{ type: 'coefficients', step: 0, epoch: 0, values } as const, ...rows];
    const folder = await writeRun(join(await temporaryFolder(), 'a'), {}, log);
    const [run] = (await compareRuns([folder])).runs;
    const names = Object.keys(values);
    expect(run?.coefficients).toEqual({
      kind: 'stored',
      names,
      steps: [0],
      epochs: [0],
      values: [[-0.25], [0.25]],
    });
    expect(run).toMatchObject({ parameters: null, result: { totalSteps: null, steps: 20 } });
  });

  it('finds the best evaluation, and the middle speed', async () => {
    const log = [evalRow(5, Number.NaN), ...rows];
    const folder = await writeRun(join(await temporaryFolder(), 'a'), {}, log);
    const { result } = (await compareRuns([folder])).runs[0] ?? {};
    expect(result).toMatchObject({ bestTop1: 0.9, bestEpoch: 1, testTop1: 0.8, imagesPerSecond: 911 });
  });

  it('knows a run without evaluation', async () => {
    const folder = await writeRun(join(await temporaryFolder(), 'a'), {}, [stepRow(1)]);
    const { result } = (await compareRuns([folder])).runs[0] ?? {};
    expect(result).toMatchObject({ testLoss: null, testTop1: null, bestTop1: null, bestEpoch: null });
  });

  it('takes the later rows of a run that was continued', async () => {
    const log = [stepRow(1), stepRow(2, 5), stepRow(3, 5), stepRow(2), stepRow(3)];
    const folder = await writeRun(join(await temporaryFolder(), 'a'), {}, log);
    const [run] = (await compareRuns([folder])).runs;
    expect(run?.steps).toEqual([stepRow(1), stepRow(2), stepRow(3)]);
  });

  it('lays nested options flat and takes one that is missing for null', async () => {
    const folder = await temporaryFolder();
    const settings = { a: { deep: { x: 1 }, list: [1, 2] }, b: null };
    const paths = [
      await writeRun(join(folder, 'x'), settings),
      await writeRun(join(folder, 'y'), { a: { deep: { x: 2 }, list: [1, 2] } }),
    ];
    const { differing, equal } = await compareRuns(paths);
    expect(differing).toEqual([{ option: 'a.deep.x', values: [1, 2] }]);
    expect(equal.map(({ option }) => option)).toEqual(['model', 'a.list', 'b']);
  });

  it('names runs by their folders, and by their paths where those are alike', async () => {
    const folder = await temporaryFolder();
    const paths = ['p/run', 'q/run', 'q/other'].map((path) => join(folder, path));
    for (const path of paths) await writeRun(path);
    const names = (await compareRuns(paths)).runs.map(({ name }) => name);
    expect(names).toEqual([paths[0], paths[1], 'other']);
  });

  it('tolerates a last line that was cut off', async () => {
    const folder = await writeRun(join(await temporaryFolder(), 'a'));
    await appendFile(join(folder, 'metrics.jsonl'), '{"type":"st');
    expect((await compareRuns([folder])).runs[0]?.steps).toHaveLength(20);
  });

  it('reads a confusion matrix', async () => {
    const folder = await writeRun(join(await temporaryFolder(), 'a'));
    const found = {
      confusion: [
        [3, 1],
        [0, 4],
      ],
      classNames: ['cat', 'dog'],
    };
    await writeFile(join(folder, 'evaluation.json'), JSON.stringify({ ...found, top1: 0.875 }));
    expect((await compareRuns([folder])).runs[0]?.confusion).toEqual(found);
  });

  const broken: readonly [what: string, code: string, breaking: (folder: string) => Promise<unknown>][] = [
    ['a folder that is missing', 'ERR_FILE', (f) => rm(f, { recursive: true })],
    ['no settings', 'ERR_FILE', (f) => rm(join(f, 'settings.json'))],
    ['settings that are no JSON', 'ERR_CHECKPOINT', (f) => writeFile(join(f, 'settings.json'), '{')],
    ['settings without a model', 'ERR_CHECKPOINT', (f) => writeFile(join(f, 'settings.json'), '{}')],
    ['no log', 'ERR_FILE', (f) => rm(join(f, 'metrics.jsonl'))],
    ['an empty log', 'ERR_CHECKPOINT', (f) => writeFile(join(f, 'metrics.jsonl'), '')],
    ['a damaged log', 'ERR_CHECKPOINT', (f) => writeFile(join(f, 'metrics.jsonl'), 'x\n')],
    ['a checkpoint that is none', 'ERR_CHECKPOINT', (f) => writeFile(join(f, 'checkpoint.safetensors'), 'x')],
    [
      'a checkpoint of a newer version',
      'ERR_CHECKPOINT',
      (f) => writeFile(join(f, 'checkpoint.safetensors'), newer),
    ],
    [
      'a matrix that is not square',
      'ERR_CHECKPOINT',
      (f) => writeFile(join(f, 'evaluation.json'), '{"confusion":[[1]],"classNames":["a","b"]}'),
    ],
    [
      'a matrix of other things',
      'ERR_CHECKPOINT',
      (f) => writeFile(join(f, 'evaluation.json'), '{"confusion":[["1"]],"classNames":["a"]}'),
    ],
    [
      'a folder in place of the log',
      'ERR_FILE',
      async (f) => {
        await rm(join(f, 'metrics.jsonl'));
        await mkdir(join(f, 'metrics.jsonl'));
      },
    ],
  ];
  it.each(broken)('refuses %s with %s', async (_, code, breaking) => {
    const folder = await writeRun(join(await temporaryFolder(), 'a'));
    await breaking(folder);
    expect(await codeOf(compareRuns([folder]))).toBe(code);
  });

  it('refuses no run, a run twice, and too many', async () => {
    const folder = await writeRun(join(await temporaryFolder(), 'a'));
    const many = Array.from({ length: 31 }, (_, i) => `${folder}${i}`);
    for (const folders of [[], [folder, folder], many])
      expect(await codeOf(compareRuns(folders))).toBe('ERR_CONFIG');
    expect(await codeOf(compareRuns([join(folder, 'settings.json')]))).toBe('ERR_FILE');
  });
});

/** A safetensors file without tensors that says it is of format version 99. */
const header = Buffer.from(JSON.stringify({ __metadata__: { format: 'lm-resnet', version: '99' } }));
const length = Buffer.alloc(8);
length.writeBigUInt64LE(BigInt(header.length));
const newer = Buffer.concat([length, header]);
