/** Steps whose work is recorded and replayed come to what they come to when each piece is given by itself. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Graph } from '../../src/graph/graph.ts';
import { network } from '../../src/models/network.ts';
import { must } from '../../src/must.ts';
import type {
  NativeChunkResult,
  NativeModel,
  NativeTrainerSpec,
  TensorSet,
} from '../../src/native/binding.ts';
import { dropout, gaussianNoise, shakeShake, stochasticDepth } from '../../src/noise/index.ts';
import { leapfrog } from '../../src/schemes/index.ts';
import { optimizerSpec } from '../../src/train/optimizer/spec.ts';
import { trainSchema } from '../../src/train/options.ts';
import type { TrainSettingsInput } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import { addon } from '../support/addon.ts';
import { thin } from '../support/graphs/nets.ts';
import { thinNets } from '../support/graphs/thinNets.ts';
import { trainingLoader } from '../support/loader.ts';
import { chunkTable, randomSource } from '../support/natives.ts';
import { noise, tinyModel } from '../support/training.ts';
import { type DeviceFault, deviceAsCuda, deviceName } from './testDevice.ts';

const device = deviceAsCuda();
afterEach(() => {
  for (const fault of ['noRecordings', 'brokenRecordings', 'noKernels', 'foreignKernels'] as const)
    device.setFault(fault, false);
  device.setSchedule('late');
});

const plain = network(thin);

interface Row {
  readonly title: string;
  readonly graph?: Graph;
  readonly change?: Partial<NativeTrainerSpec>;
  readonly optimizer?: TrainSettingsInput;
  /** Of the loss of float16, at first. */
  readonly scale?: number;
  /** Recordings; default 1. */
  readonly captured?: number;
  /** Waits for the device in a chunk; default 1, for its metrics. */
  readonly waits?: number;
  /** Momentum of the steps, in turn. */
  readonly momenta?: readonly number[];
}

/** Nothing of one step is that of another. */
function table(first: number, count: number, momenta: readonly number[] = [0.9, 0.8, 0.85]) {
  const rows = Array.from({ length: count }, (_, i) => first + i).map((i) => ({
    lr: 0.02 / (1 + i),
    momentum: must(momenta[i % momenta.length]),
    weightDecay: 0.01 * (1 + (i % 3)),
    mixProb: i % 2 === 0 ? 1 : 0.5,
    emaDecay: 1 - 1 / (i + 2),
  }));
  return chunkTable(rows);
}

interface Outcome {
  readonly losses: readonly number[];
  readonly correct: readonly number[];
  readonly lossScale: unknown;
  readonly tensors: Readonly<Record<string, readonly number[]>>;
  readonly counts: { readonly captured: number; readonly replayed: number };
  readonly chunks: readonly NativeChunkResult[];
  /** Waits for the device, in the last chunk. */
  readonly waits: number;
}

async function tensorsOf(graph: Graph, model: NativeModel, ema: boolean): Promise<Outcome['tensors']> {
  const sets: TensorSet[] = ['value', 'momentum', 'secondMoment', ...(ema ? (['ema'] as const) : [])];
  const found: Record<string, readonly number[]> = {};
  for (const set of sets)
    for (const { path } of graph.params)
      found[`${set} of ${path}`] = Array.from(await model.readTensor(path, set));
  for (const set of ['value', ...(ema ? (['ema'] as const) : [])] as const)
    for (const { path } of graph.buffers)
      found[`${set} of ${path}`] = Array.from(await model.readTensor(path, set));
  return found;
}

/** Eight steps, in chunks of three and five. */
async function outcome(
  row: Row,
  capture: boolean,
  between?: (model: NativeModel) => Promise<unknown>,
): Promise<Outcome> {
  const { graph = plain, change = {}, optimizer = {}, scale, momenta } = row;
  const dtype = change.amp === undefined ? 'float64' : 'float32';
  const model = new (addon().Model)(graph.toSpec(), { device: deviceName, dtype, seed: 0 });
  const spec = {
    loader: { ...trainingLoader(graph.input, 4), pinned: true },
    seed: 5,
    optimizer: optimizerSpec(graph.params, trainSchema.parse(optimizer)),
    capture,
    ...change,
  };
  const trainer = new (addon().Trainer)(model, randomSource(graph, 16), spec);
  let lossScale = scale === undefined ? null : { scale, goodSteps: 0, skipped: 0 };
  const chunks: NativeChunkResult[] = [];
  for (const [first, count] of [
    [0, 3],
    [3, 5],
  ] as const) {
    device.takeCounts();
    const chunk = await trainer.run({ first, table: table(first, count, momenta), lossScale });
    chunks.push(chunk);
    lossScale = chunk.lossScale;
    if (first === 0) await between?.(model);
  }
  const { streamWaits: waits } = device.takeCounts();
  const sum = (of: (chunk: NativeChunkResult) => number): number => chunks.reduce((all, c) => all + of(c), 0);
  return {
    losses: chunks.flatMap((chunk) => Array.from(chunk.losses)),
    correct: [sum((chunk) => chunk.correct1), sum((chunk) => chunk.correct5)],
    lossScale,
    tensors: await tensorsOf(graph, model, change.ema === true),
    counts: { captured: sum((chunk) => chunk.captured), replayed: sum((chunk) => chunk.replayed) },
    chunks,
    waits,
  };
}

/** The largest difference, as a part of 1 + the largest number wanted. */
function gap(found: readonly number[], wanted: readonly number[]): number {
  expect(found.length).toBe(wanted.length);
  const gaps = wanted.map((value, i) => Math.abs(value - (found[i] ?? Number.NaN)));
  return Math.max(0, ...gaps) / (1 + Math.max(0, ...wanted.map(Math.abs)));
}

function expectSame(found: Outcome, wanted: Outcome): void {
  expect(wanted.losses).toHaveLength(8);
  expect(gap(found.losses, wanted.losses)).toBeLessThan(1e-12);
  expect([found.correct, found.lossScale]).toEqual([wanted.correct, wanted.lossScale]);
  for (const [name, values] of Object.entries(wanted.tensors))
    expect(gap(must(found.tensors[name]), values), name).toBeLessThan(1e-12);
}

const mixing = { mixup: 1, cutmix: 1, switchProb: 0.5 };
const clip = (mode: 'norm' | 'value' | 'agc') => ({ mode, limit: 0.05, params: [0, 1, 2] });
const rows: readonly Row[] = [
  { title: 'as they are' },
  { title: 'of several batches', change: { accumulate: 3 }, captured: 3 },
  { title: 'in bfloat16', change: { amp: 'bfloat16' } },
  { title: 'in float16, some of which overflow', change: { amp: 'float16' }, scale: 2 ** 24 },
  { title: 'with Mixup and CutMix', change: { mixing } },
  { title: 'with Mixup', change: { mixing: { ...mixing, cutmix: 0 } } },
  {
    title: 'with CutMix, by binary losses',
    change: { mixing: { ...mixing, mixup: 0 }, loss: { kind: 'bce', smoothing: 0.1, threshold: 0.2 } },
  },
  { title: 'with an average', change: { ema: true } },
  { title: 'with a bound on the norm', change: { clip: clip('norm') } },
  { title: 'with a bound on numbers', change: { clip: clip('value') } },
  { title: 'with a bound by units', change: { clip: clip('agc') } },
  { title: 'of AdamW', optimizer: { optimizer: 'adamw' } },
  {
    title: 'of AdamW in float16',
    optimizer: { optimizer: 'adamw' },
    change: { amp: 'float16' },
    scale: 2 ** 24,
  },
  { title: 'of LAMB', optimizer: { optimizer: 'lamb' } },
  { title: 'of LARS', optimizer: { optimizer: 'lars' } },
  { title: 'of a damped momentum', optimizer: { dampening: 0.5, nesterov: false } },
  { title: 'without momentum', momenta: [0] },
  { title: 'with momentum now and then', momenta: [0.9, 0], captured: 2 },
  { title: 'with frozen layers', optimizer: { freeze: ['stem'] } },
  { title: 'that compute again', change: { memory: { kind: 'recompute', every: 2 } } },
  {
    title: 'that are undone',
    graph: network({ ...thin, scheme: leapfrog }),
    change: { memory: { kind: 'reverse', every: 1 } },
  },
  { title: 'that are undone by a learned k', change: { memory: { kind: 'reverse', every: 1 } }, waits: 2 },
  { title: 'with dropout', graph: network({ ...thin, noise: dropout({ p: 0.3 }) }) },
  { title: 'with Gaussian noise', graph: network({ ...thin, noise: gaussianNoise({ std: 0.1 }) }) },
  {
    title: 'that drop blocks of a batch',
    graph: network({ ...thin, noise: stochasticDepth({ last: 0.3 }) }),
  },
  {
    title: 'of two batches that drop blocks',
    graph: network({ ...thin, noise: stochasticDepth({ last: 0.3 }) }),
    change: { accumulate: 2, ema: true },
    captured: 2,
  },
  {
    title: 'that drop blocks of images',
    graph: network({ ...thin, noise: stochasticDepth({ last: 0.3, per: 'sample' }) }),
  },
  { title: 'with shares for every image', graph: network({ ...thin, noise: shakeShake() }) },
  {
    title: 'with shares for the batch',
    graph: network({ ...thin, noise: shakeShake({ backward: 'even', per: 'batch' }) }),
  },
  { title: 'that drop paths', graph: network(must(thinNets.fractalnet20)) },
  { title: 'that drop modules', graph: network(must(thinNets.resnet110_sd)) },
  {
    title: 'with all at once',
    graph: network({ ...thin, noise: stochasticDepth({ last: 0.3 }) }),
    change: { amp: 'float16', accumulate: 2, mixing, ema: true, clip: clip('norm') },
    optimizer: { optimizer: 'lamb' },
    scale: 2 ** 24,
    captured: 2,
  },
];

describe('recorded steps', () => {
  it.each(rows)('come to the same: $title', async (row) => {
    const { captured = 1, waits = 1, change = {} } = row;
    const [wanted, found] = [await outcome(row, false), await outcome(row, true)];
    expectSame(found, wanted);
    expect(wanted.counts).toEqual({ captured: 0, replayed: 0 });
    // The first of each kind is done as it is given.
    const batches = 8 * (change.accumulate ?? 1);
    expect(found.counts).toEqual({ captured, replayed: batches - captured });
    expect(found.waits).toBe(waits);
    if (row.scale !== undefined) expect(found.lossScale).not.toMatchObject({ skipped: 0 });
  });

  it('come to the same where copies run ahead', async () => {
    const row = must(rows.find(({ title }) => title === 'with all at once'));
    const wanted = await outcome(row, false);
    device.setSchedule('ahead');
    expectSame(await outcome(row, true), wanted);
  });

  it('are recorded anew where the memory of their values has moved', async () => {
    const grow = (model: NativeModel) => model.predict(new Uint8Array(64 * 192), 64, 8, 8);
    const [wanted, found] = [
      await outcome({ title: '' }, false, grow),
      await outcome({ title: '' }, true, grow),
    ];
    expectSame(found, wanted);
    expect(found.counts).toEqual({ captured: 2, replayed: 6 });
  });

  it('stop where they are not finite, and name the layer', async () => {
    const huge = { lr: 1e200, momentum: 0.9 };
    const ended = async (capture: boolean): Promise<unknown> => {
      const model = new (addon().Model)(plain.toSpec(), { device: deviceName, dtype: 'float64', seed: 0 });
      const trainer = new (addon().Trainer)(model, randomSource(plain, 16), {
        loader: { ...trainingLoader(plain.input, 4), pinned: true },
        seed: 5,
        optimizer: optimizerSpec(plain.params, trainSchema.parse({})),
        capture,
      });
      const good = Array(3).fill({ lr: 0.01, momentum: 0.9 });
      const { notFinite, steps } = await trainer.run({
        first: 0,
        table: chunkTable([...good, huge, huge, huge]),
      });
      return { notFinite, steps, tensors: await tensorsOf(plain, model, false) };
    };
    const wanted = await ended(false);
    expect(wanted).toMatchObject({ notFinite: expect.any(String) });
    expect(await ended(true)).toEqual(wanted);
  });
});

describe('steps that cannot be recorded', () => {
  const faults: readonly DeviceFault[] = ['noRecordings', 'brokenRecordings', 'noKernels', 'foreignKernels'];

  it.each(faults)('are given piece by piece, which is told once: %s', async (fault) => {
    const row = must(rows.find(({ title }) => title === 'that drop blocks of a batch'));
    device.setFault(fault, true);
    const [wanted, found] = [await outcome(row, false), await outcome(row, true)];
    expectSame(found, wanted);
    expect(found.counts).toEqual({ captured: 0, replayed: 0 });
    expect(found.chunks.map(({ notCaptured }) => notCaptured)).toEqual([expect.any(String), null]);
    expect(wanted.chunks.map(({ notCaptured }) => notCaptured)).toEqual([null, null]);
  });

  it('are a note of the training', async () => {
    device.setFault('brokenRecordings', true);
    const model = await tinyModel({ device: 'cuda' });
    const notes: string[] = [];
    for await (const event of train(model, { train: noise(32) }, { batch: 8, epochs: 2 }))
      if (event.type === 'note') notes.push(event.text);
    expect(notes.filter((text) => text.includes('captured'))).toHaveLength(1);
  });
});

describe('a training of several sizes', () => {
  it('records a step of each', async () => {
    const model = await tinyModel({ device: 'cuda' });
    device.takeCounts();
    await train(model, { train: noise(32) }, { batch: 8, epochs: 4, sizes: [6, 8] });
    expect(device.takeCounts().replays).toBe(16 - 2);
  });
});
