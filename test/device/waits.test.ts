/** How often the host waits for a device: never between two readings of metrics; and what that rests on. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Graph } from '../../src/graph/graph.ts';
import { network } from '../../src/models/network.ts';
import { must } from '../../src/must.ts';
import type { NativeChunkResult, NativeTrainer, NativeTrainerSpec } from '../../src/native/binding.ts';
import { dropout, gaussianNoise, shakeShake } from '../../src/noise/index.ts';
import { leapfrog } from '../../src/schemes/index.ts';
import { optimizerSpec } from '../../src/train/optimizer/spec.ts';
import { trainSchema } from '../../src/train/options.ts';
import { addon } from '../support/addon.ts';
import { thin } from '../support/graphs/nets.ts';
import { evaluationLoader, trainingLoader } from '../support/loader.ts';
import { chunkTable, randomSource } from '../support/natives.ts';
import { distance } from '../support/tensor.ts';
import { type DeviceFault, deviceName, testDevice } from './testDevice.ts';

const device = testDevice();
const faults: readonly DeviceFault[] = ['noWaitsOfCopies', 'noWaitsOfKernels', 'noHostWaits', 'noCopies'];
afterEach(() => {
  for (const fault of faults) device.setFault(fault, false);
  device.setSchedule('late');
  device.recover();
});

const plain = network(thin);
const step = { lr: 0.01, momentum: 0.9, weightDecay: 0.01, mixProb: 1, emaDecay: 0.9 };

function modelOf(
  graph: Graph,
  dtype: 'float32' | 'float64',
): InstanceType<ReturnType<typeof addon>['Model']> {
  return new (addon().Model)(graph.toSpec(), { device: deviceName, dtype, seed: 0 });
}

function trainerOf(
  graph: Graph,
  change: Partial<NativeTrainerSpec> = {},
  dtype: 'float32' | 'float64' = 'float32',
): NativeTrainer {
  const optimizer = optimizerSpec(graph.params, trainSchema.parse({}));
  const loader = { ...trainingLoader(graph.input, 2), pinned: true };
  return new (addon().Trainer)(modelOf(graph, dtype), randomSource(graph, 8), {
    loader,
    seed: 0,
    optimizer,
    ...change,
  });
}

/** A chunk of steps behind a first one, in which memory is taken. */
async function chunk(trainer: NativeTrainer, steps: number, scale?: number): Promise<NativeChunkResult> {
  const lossScale = scale === undefined ? {} : { lossScale: { scale, goodSteps: 0, skipped: 0 } };
  await trainer.run({ first: 0, table: chunkTable([step]), ...lossScale });
  device.takeCounts();
  return trainer.run({ first: 1, table: chunkTable(Array(steps).fill(step)), ...lossScale });
}

describe('a chunk of steps', () => {
  const adamw = optimizerSpec(plain.params, trainSchema.parse({ optimizer: 'adamw' }));
  const lamb = optimizerSpec(plain.params, trainSchema.parse({ optimizer: 'lamb' }));
  const lars = optimizerSpec(plain.params, trainSchema.parse({ optimizer: 'lars' }));
  const damped = optimizerSpec(plain.params, trainSchema.parse({ dampening: 0.5, nesterov: false }));
  const rows: readonly {
    title: string;
    graph?: Graph;
    change?: Partial<NativeTrainerSpec>;
    waits?: number;
    copies?: number;
    scale?: number;
  }[] = [
    { title: 'as it is' },
    { title: 'in bfloat16', change: { amp: 'bfloat16' } },
    { title: 'in float16, whose loss is scaled', change: { amp: 'float16' }, scale: 2 ** 40 },
    { title: 'of several batches', change: { accumulate: 3 }, copies: 3 },
    {
      title: 'with all that a batch may have',
      change: {
        mixing: { mixup: 1, cutmix: 1, switchProb: 0.5 },
        ema: true,
        clip: { mode: 'agc', limit: 0.1, params: [0, 1] },
      },
    },
    { title: 'of AdamW', change: { optimizer: adamw } },
    { title: 'of LAMB', change: { optimizer: lamb } },
    { title: 'of LARS', change: { optimizer: lars } },
    // Which update is the first depends on what was skipped, and is known on the device alone.
    { title: 'of a damped momentum, scaled', change: { optimizer: damped, amp: 'float16' }, scale: 2 ** 40 },
    { title: 'that computes again', change: { memory: { kind: 'recompute', every: 2 } } },
    { title: 'with a gate for every image', graph: network({ ...thin, noise: shakeShake() }) },
    { title: 'with dropout', graph: network({ ...thin, noise: dropout({ p: 0.3 }) }) },
    { title: 'with Gaussian noise', graph: network({ ...thin, noise: gaussianNoise({ std: 0.1 }) }) },
    {
      title: 'that is undone',
      graph: network({ ...thin, scheme: leapfrog }),
      change: { memory: { kind: 'reverse', every: 1 } },
    },
    // Its coefficients are read before it.
    { title: 'that is undone by a learned k', change: { memory: { kind: 'reverse', every: 1 } }, waits: 2 },
  ];

  it.each(rows)(
    'waits for the device when its metrics are read: $title',
    async ({ graph = plain, change = {}, waits = 1, copies = 1, scale }) => {
      const { steps, seconds } = await chunk(trainerOf(graph, change), 6, scale);
      expect([steps, seconds > 0]).toEqual([6, true]);
      const { kernels, toHost, streamWaits, eventWaits } = device.takeCounts();
      expect(kernels).toBeGreaterThan(600);
      expect({ toHost, streamWaits }).toEqual({ toHost: waits, streamWaits: waits });
      // For the copy of the batch before, whose memory is filled again.
      expect(eventWaits).toBe(6 * copies);
    },
  );

  it('of an evaluation waits for the device once, when it ends', async () => {
    const model = modelOf(plain, 'float32');
    const loader = { ...evaluationLoader(plain.input, 3), pinned: true };
    const evaluate = () =>
      model.evaluate(randomSource(plain, 12), [loader, loader], { detail: true } as never);
    await evaluate();
    device.takeCounts();
    await evaluate();
    expect(device.takeCounts()).toMatchObject({ toHost: 1, streamWaits: 1 });
  });
});

describe('the scale of a float16 loss', () => {
  // Gradients that overflow for some steps; for all of them, which exhausts the scale; a scale that grows.
  it.each([
    { title: 'halves with every step that overflows', scale: 2 ** 22, goodSteps: 0, rate: 0.01 },
    { title: 'is exhausted', scale: 4, goodSteps: 0, rate: 1e20 },
    { title: 'doubles', scale: 2 ** 10, goodSteps: 1996, rate: 0.01 },
  ])('follows the steps on a device as on the CPU: it $title', async ({ scale, goodSteps, rate }) => {
    const run = async (on: string): Promise<NativeChunkResult> => {
      const model = new (addon().Model)(plain.toSpec(), { device: on, dtype: 'float32', seed: 0 });
      const optimizer = optimizerSpec(plain.params, trainSchema.parse({ optimizer: 'adamw' }));
      const loader = { ...trainingLoader(plain.input, 2), pinned: on !== 'cpu' };
      const spec = { loader, seed: 0, optimizer, amp: 'float16' } as const;
      const trainer = new (addon().Trainer)(model, randomSource(plain, 8), spec);
      const table = chunkTable(Array(9).fill({ ...step, lr: rate }));
      return trainer.run({ first: 5, table, lossScale: { scale, goodSteps, skipped: 3 } });
    };
    const [here, there] = [await run('cpu'), await run(deviceName)];
    expect(there.lossScale).toEqual(here.lossScale);
    const { scale: last = 0, skipped = 0 } = there.lossScale ?? {};
    // An overflow halves it and is skipped, unless it exhausts it; the fourth good step is the 2000th.
    expect(last).toBe(goodSteps > 0 ? 2 * scale : scale * 2 ** -(skipped - 3 + (last < 1 ? 1 : 0)));
    expect(last).not.toBe(scale);
    expect([there.steps, there.samples, there.notFinite]).toEqual([here.steps, here.samples, here.notFinite]);
  });
});

/** Losses of six steps by a program without some of its calls; what stops it. */
async function losses(
  fault?: DeviceFault,
  schedule: 'late' | 'ahead' = 'late',
): Promise<ArrayLike<number> | string> {
  const trainer = trainerOf(plain, {}, 'float64');
  if (fault) device.setFault(fault, true);
  device.setSchedule(schedule);
  try {
    const result = await trainer.run({ first: 0, table: chunkTable(Array(6).fill(step)) });
    return result.notFinite ?? result.losses;
  } catch (error) {
    return String(error);
  }
}

describe('a training whose program lacks a call', () => {
  it.each(['late', 'ahead'] as const)('is right with all of them: %s', async (schedule) => {
    const [a, b] = [await losses(), await losses(undefined, schedule)];
    expect(distance(b as ArrayLike<number>, a as ArrayLike<number>)).toBe(0);
  });

  it.each(faults)('is not right: %s', async (fault) => {
    const [right, late, ahead] = [await losses(), await losses(fault), await losses(fault, 'ahead')];
    const isWrong = (found: typeof right): boolean =>
      typeof found === 'string' || distance(found, must(right as number[])) > 1e-9;
    expect([fault, isWrong(late) || isWrong(ahead)]).toEqual([fault, true]);
  });
});
