/** Several processes that train together: what they come to, against one process with as many images. */
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageSet } from '../../../src/data/imageSet.ts';
import { datasetOf } from '../../../src/loading/images.ts';
import { must } from '../../../src/must.ts';
import { trainSchema } from '../../../src/train/options.ts';
import { checkSets } from '../../../src/train/trainSets.ts';
import { deviceLibrary } from '../../device/testDevice.ts';
import '../../support/addon.ts';
import { runProgram } from '../../support/children.ts';
import { codeOf } from '../../support/failures.ts';
import { tar } from '../../support/files/tar.ts';
import { dist } from '../../support/libtorch.ts';
import { noiseBytes } from '../../support/noise.ts';
import { runRanks } from '../../support/ranks/processes.ts';

const program = fileURLToPath(new URL('../../support/programs/train.mjs', import.meta.url));

interface Outcome {
  readonly losses: readonly number[];
  readonly seen: number;
  readonly steps: number;
  readonly stopped: boolean;
  readonly evaluation: { readonly loss: number; readonly top1: number; readonly count: number } | null;
  readonly tensors: Readonly<Record<string, readonly number[]>>;
  readonly bytes: number;
  /** Times that the host waited for a device, beside one for every reading of losses. */
  readonly waits: number;
  readonly code?: string;
  readonly message?: string;
}

type Options = Readonly<Record<string, unknown>>;

/** All that draws is on: crops, flips, Mixup, CutMix, stochastic depth, dropout. */
const all: Options = {
  steps: 50,
  lr: 0.05,
  mixup: 0.2,
  cutmix: 0.5,
  smoothing: 0.1,
  held: 30,
  modelEma: true,
};
const runs = mkdtempSync(join(tmpdir(), 'lm-resnet-'));
const kept: Options = { run: join(runs, 'pair'), checkpointEvery: 20, keepLast: 50 };
const short: Options = { ...all, steps: 4, batch: 4 };
const shards = join(runs, '{0..3}.tar');

/** What two ranks do, one after the other; they begin it all once, for starting them takes longest. */
const pairCases = {
  all: { ...all, ...kept, globalBatch: 16 },
  'with statistics of their own batches': { ...short, syncBn: false },
  'that accumulate': { ...short, accumulate: 2 },
  'that accumulate, with statistics of their own batches': { ...short, syncBn: false, accumulate: 2 },
  'in float32': { ...short, dtype: 'float32', syncBn: false },
  'that send float16': { ...short, dtype: 'float32', syncBn: false, compressGradients: 'float16' },
  'whose models were made with other seeds': { ...short, fault: 'seed' },
  'that are more than images to evaluate': { ...short, held: 1 },
  'of their own shards': { ...short, shards },
  'on devices': { ...short, library: deviceLibrary() },
  stop: { ...short, steps: 1e6, held: 0, fault: 'stop' },
  differ: { ...short, fault: 'setting' },
} as const;
type PairCase = keyof typeof pairCases;

/** Outcomes by case, of the process that trains alone, and by rank. */
let one: readonly Outcome[] = [];
let pair: readonly (readonly Outcome[])[] = [];
let four: readonly (readonly Outcome[])[] = [];

beforeAll(async () => {
  for (const i of [0, 1, 2, 3]) await writeFile(join(runs, `${i}.tar`), await shard(i));
  const accumulated = { ...short, batch: 8, accumulate: 2 };
  pair = await together(2, Object.values(pairCases));
  const resumed = { resume: join(runs, 'pair', 'checkpoint-20.safetensors'), held: 30 };
  const fewer = { ...resumed, globalBatch: 8 };
  const onDevice = { ...short, batch: 8, library: deviceLibrary() };
  one = await alone([{ ...all, batch: 16 }, accumulated, resumed, onDevice, fewer]);
  four = await together(4, [
    { ...all, batch: 4 },
    { ...short, steps: 1e6, fault: 'kill' },
  ]);
}, 180_000);

afterAll(() => rmSync(runs, { recursive: true }));

/** Gray images of noise, of 4 classes. */
async function shard(seed: number): Promise<Buffer> {
  const entries = Array.from({ length: 10 + seed }, async (_, i) => {
    const raw = { width: 8, height: 8, channels: 1 } as const;
    const bytes = await sharp(noiseBytes(64, 100 * seed + i), { raw })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    return [
      { name: `${i}.png`, bytes },
      { name: `${i}.cls`, bytes: String(i % 4) },
    ];
  });
  return tar((await Promise.all(entries)).flat());
}

async function alone(cases: readonly Options[]): Promise<Outcome[]> {
  const { stdout, stderr } = await runProgram(process.execPath, [program, dist, JSON.stringify(cases)]);
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

async function together(world: number, cases: readonly Options[]): Promise<Outcome[][]> {
  const ends = await runRanks(world, [program, dist, JSON.stringify(cases)]);
  return ends.map(({ stdout }) => (stdout === '' ? [] : JSON.parse(stdout)));
}

/** What each of two ranks came to. */
function ofPair(name: PairCase): Outcome[] {
  return pair.map((outcomes) => must(outcomes[Object.keys(pairCases).indexOf(name)]));
}

/** The largest difference of two outcomes: of losses, weights and running statistics. */
function apart(a: Outcome, b: Outcome): number {
  const numbers = ({ losses, tensors }: Outcome): number[] => [...losses, ...Object.values(tensors).flat()];
  const [left, right] = [numbers(a), numbers(b)];
  expect(right).toHaveLength(left.length);
  return Math.max(...left.map((x, i) => Math.abs(x - (right[i] ?? Number.NaN))));
}

describe('ranks that train together', () => {
  it.each([
    ['2', () => ofPair('all')],
    ['4', () => four.flatMap((outcomes) => outcomes.slice(0, 1))],
  ])(
    'agree, %s of them, with one process of as many images to 1e-10 in float64 over 50 steps',
    (_, ranks) => {
      const single = must(one[0]);
      for (const other of ranks()) {
        expect(apart(single, other)).toBeLessThan(1e-10);
        expect(other.seen).toBe(single.seen);
        expect(other.evaluation?.count).toBe(30);
        expect(other.evaluation?.top1).toBe(single.evaluation?.top1);
        expect(other.evaluation?.loss).toBeCloseTo(single.evaluation?.loss ?? Number.NaN, 10);
        expect(other.tensors).toEqual(ranks()[0]?.tensors);
      }
    },
  );

  it('go on on one process, of as many images, to the same', () => {
    const [single, resumed] = [must(one[0]), must(one[2])];
    expect(resumed).toMatchObject({ steps: 50, evaluation: { count: 30 } });
    expect(apart({ ...single, losses: single.losses.slice(20) }, resumed)).toBeLessThan(1e-10);
  });

  it('do not go on where a step has other images', () => {
    const message = expect.stringContaining('imagesPerStep was 16, is 8');
    expect(one[4]).toEqual({ code: 'ERR_CONFIG', message });
  });

  it.each<PairCase>([
    'with statistics of their own batches',
    'that accumulate',
    'in float32',
    'that send float16',
    'whose models were made with other seeds',
    'that are more than images to evaluate',
    'of their own shards',
    'on devices',
  ])('have the same weights and statistics on all: ranks %s', (name) => {
    const [first, second] = ofPair(name);
    expect(first?.steps).toBe(4);
    expect(second?.tensors).toEqual(first?.tensors);
    expect(second?.losses).toEqual(first?.losses);
    expect(second?.evaluation).toEqual(first?.evaluation);
  });

  it('that accumulate agree with one process that does', () => {
    const [first] = ofPair('that accumulate');
    expect(apart(must(one[1]), must(first))).toBeLessThan(1e-12);
  });

  it('that accumulate send gradients once in a step', () => {
    const [accumulating] = ofPair('that accumulate, with statistics of their own batches');
    const [plain] = ofPair('with statistics of their own batches');
    const asked = 4 * 2 * 8; // for the second batch of each step: is it there on both?
    expect(must(accumulating).bytes - must(plain).bytes).toBe(asked);
  });

  it('on devices come to what they do on CPUs', () => {
    const [there, here] = [ofPair('on devices'), ofPair('that are more than images to evaluate')];
    expect(apart(must(here[0]), must(there[0]))).toBeLessThan(1e-12);
  });

  it('on devices sum there, and the host waits for them as often as where there is one', () => {
    const waits = must(one[3]).waits;
    expect(waits).toBeGreaterThan(0);
    expect(ofPair('on devices').map((outcome) => outcome.waits)).toEqual([waits, waits]);
  });

  it('send gradients in half the bytes, and come near', () => {
    const [plain] = ofPair('in float32').map(must);
    const [half] = ofPair('that send float16').map(must);
    const saved = must(plain).bytes - must(half).bytes;
    const gradients = Object.values(must(plain).tensors).flat().length * 4 * 4;
    expect(saved).toBeGreaterThan(0.4 * gradients);
    expect(half?.losses).not.toEqual(plain?.losses);
    expect(apart(must(plain), must(half))).toBeLessThan(1e-2);
  });

  it('all stop before the same step where one of them stops', () => {
    const [first, second] = ofPair('stop');
    expect(first).toMatchObject({ stopped: true, steps: second?.steps });
    expect(second?.tensors).toEqual(first?.tensors);
  });

  it('all say what differs, before the first step', () => {
    const message =
      'Expected the same `settings.lr` on all ranks but received 0.05 on rank 0 and 0.3 on rank 1';
    expect(ofPair('differ')).toEqual([0, 1].map(() => ({ code: 'ERR_RANKS', message })));
  });

  it('are told of one that dies', () => {
    const lost = { code: 'ERR_RANKS', message: expect.stringContaining('rank 1 does not answer') };
    expect(four.map((outcomes) => outcomes[1])).toEqual([lost, undefined, lost, lost]);
  });

  it('need as many images as a step of all of them takes', async () => {
    const train = imageSet({
      images: new Uint8Array(7),
      labels: Array(7).fill(0),
      height: 1,
      width: 1,
      channels: 1,
    });
    const settings = trainSchema.parse({ batch: 4, steps: 1 });
    const check = (worldSize: number) => () =>
      checkSets(
        { train: datasetOf(train), test: undefined },
        settings,
        { name: 'model', classNames: [] },
        worldSize,
      );
    expect(await codeOf(check(1))).toBe('none');
    expect(check(2)).toThrow(/`train.batch` but received .*2 ranks x 4/);
  });
});
