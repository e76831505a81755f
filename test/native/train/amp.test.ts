/**
 * Mixed precision: convolutions and linear layers in half types, the rest in float32, and the scale of a
 * float16 loss.
 */
import { describe, expect, it } from 'vitest';
import { globalAvgPool } from '../../../src/graph/functions.ts';
import { type Graph, trace } from '../../../src/graph/graph.ts';
import { network } from '../../../src/models/network.ts';
import type {
  Amp,
  NativeChunkResult,
  NativeLossScale,
  NativeMemory,
  NativeModel,
  NativeTrainerSpec,
} from '../../../src/native/binding.ts';
import { linear } from '../../../src/nn/layers.ts';
import { optimizerSpec } from '../../../src/train/optimizer/spec.ts';
import { trainSchema } from '../../../src/train/options.ts';
import type { TrainSettingsInput } from '../../../src/train/settings.ts';
import { addon } from '../../support/addon.ts';
import { codeOf } from '../../support/failures.ts';
import { thin } from '../../support/graphs/nets.ts';
import { thinNets } from '../../support/graphs/thinNets.ts';
import { evaluationLoader, trainingLoader } from '../../support/loader.ts';
import { chunkTable, nativeModel, plainInput, randomSource, readAll } from '../../support/natives.ts';
import { distance, nhwc, random } from '../../support/tensor.ts';

const net = network(thin);

interface Pass {
  readonly output: Float64Array;
  readonly gradient: readonly number[];
}

async function pass(graph: Graph, amp: Amp, training: boolean, memory?: NativeMemory): Promise<Pass> {
  const model = nativeModel(graph, 'float32');
  const { channels, height, width } = graph.input;
  const [x, cotangent] = [random('x', [4, channels, height, width]), random('y', [4, graph.classes]).data];
  const options = { training, seed: 3, amp, ...(memory && { memory }) };
  const { output, inputGradient } = await model.vjp(nhwc(x), 4, height, width, cotangent, options);
  const gradients: ArrayLike<number>[] = [inputGradient?.data ?? []];
  for (const { path } of graph.params) gradients.push(await model.readTensor(path, 'gradient'));
  return { output: output.data, gradient: gradients.flatMap((g) => Array.from(g)) };
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, v, i) => sum + v * (b[i] ?? Number.NaN), 0);
/** 1 less the cosine of the angle between two vectors. */
const turn = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));

const architectures = [
  'resnet20',
  'preact_resnet20 shortcut=A',
  'lm_resnet20',
  'lm_resnext29_8x64d',
  'lm_resnet56_sd',
  'fractalnet20',
  'revnet38',
  'shake_shake26_2x32d',
];

describe.each([
  { amp: 'bfloat16', unit: 2 ** -8 },
  { amp: 'float16', unit: 2 ** -11 },
] as const)('a network in $amp', ({ amp, unit }) => {
  it.each(architectures)(
    'is the one in float32 but for rounding, and so is its gradient: %s',
    async (name) => {
      const graph = network(thinNets[name] ?? thin);
      for (const training of [true, false]) {
        const [found, wanted] = [await pass(graph, amp, training), await pass(graph, 'none', training)];
        const error = distance(found.output, wanted.output);
        expect(error).toBeGreaterThan(unit / 64);
        expect(error).toBeLessThan(8 * unit);
        expect(turn(found.gradient, wanted.gradient)).toBeLessThan(25 * unit);
      }
    },
  );

  it('gives nearly the same gradient when its steps are computed again', async () => {
    const [stored, again] = [
      await pass(net, amp, true),
      await pass(net, amp, true, { kind: 'recompute', every: 2 }),
    ];
    expect(again.output).toEqual(stored.output);
    expect(turn(again.gradient, stored.gradient)).toBeLessThan(unit);
  });

  it('rounds the operands of a linear layer to it, and adds up in float32', async () => {
    const digits = { bfloat16: 8, float16: 11 }[amp];
    const rounded = (x: number): number => {
      const step = 2 ** (Math.floor(Math.log2(Math.abs(x))) + 1 - digits);
      return Math.round(x / step) * step; // no ties in these numbers
    };
    const graph = trace('dense', plainInput(3, 1, 1), (s, x) =>
      linear(s.at('fc'), { in: 3, out: 1 })(globalAvgPool(x)),
    );
    const [weight, x] = [
      [0.123, -0.456, 0.789],
      [0.321, 0.654, 0.987],
    ];
    const model = nativeModel(graph, 'float32');
    await model.writeTensor('fc.weight', 'value', Float64Array.from(weight));
    await model.writeTensor('fc.bias', 'value', Float64Array.of(0));
    const options = { training: true, amp };
    const { output, inputGradient } = await model.vjp(
      Float64Array.from(x),
      1,
      1,
      1,
      Float64Array.of(1),
      options,
    );
    const exact = weight.reduce((sum, w, i) => sum + rounded(w) * rounded(x[i] ?? 0), 0);
    expect(output.data[0]).toBe(rounded(exact));
    expect(Array.from(inputGradient?.data ?? [])).toEqual(weight.map(rounded));
    expect(Array.from(await model.readTensor('fc.weight', 'gradient'))).toEqual(x.map(rounded));
    const kept = await model.readTensor('fc.weight', 'value');
    expect(Array.from(kept)).toEqual(weight.map(Math.fround));
  });

  it('predicts and evaluates in it where it is asked to', async () => {
    const model = nativeModel(net, 'float32');
    const pixels = Uint8Array.from({ length: 8 * 8 * 3 }, (_, i) => (37 * i) % 256);
    const plain = await model.predict(pixels, 1, 8, 8);
    const half = await model.predict(pixels, 1, 8, 8, 'value', amp);
    expect(half).not.toEqual(plain);
    expect(distance(half, plain)).toBeLessThan(16 * unit);
    expect(await model.predict(pixels, 1, 8, 8, 'value', 'none')).toEqual(plain);
    const [source, views] = [randomSource(net, 12), [evaluationLoader(net.input, 4)]];
    const whole = await model.evaluate(source, views, {});
    const lowered = await model.evaluate(source, views, { amp });
    expect(lowered.loss).not.toBe(whole.loss);
    expect(Math.abs(lowered.loss - whole.loss)).toBeLessThan(16 * unit);
    expect(await model.evaluate(source, views, { amp: 'none' })).toEqual(whole);
  });
});

interface Run {
  readonly change?: Partial<NativeTrainerSpec>;
  readonly settings?: TrainSettingsInput;
  readonly first?: number;
  readonly lossScale?: NativeLossScale;
}

const row = { lr: 0.05, momentum: 0.9, weightDecay: 1e-3 };

/** A chunk of steps, four images each. */
function steps(
  model: NativeModel,
  count: number,
  { change, settings = {}, first = 0, lossScale }: Run = {},
): Promise<NativeChunkResult> {
  const optimizer = optimizerSpec(net.params, trainSchema.parse(settings));
  const spec = { loader: trainingLoader(net.input, 4), seed: 0, optimizer, ...change };
  const trainer = new (addon().Trainer)(model, randomSource(net, 16), spec);
  const table = chunkTable(Array(count).fill(row));
  return trainer.run({ first, table, ...(lossScale && { lossScale }) });
}

const scaled = (scale: number, more: Partial<NativeLossScale> = {}): NativeLossScale => ({
  scale,
  goodSteps: 0,
  skipped: 0,
  ...more,
});
const half: Run = { change: { amp: 'float16' } };
const poisoned = 'stage2.step2.f0.conv2.weight';

async function poison(model: NativeModel): Promise<void> {
  const weight = await model.readTensor(poisoned, 'value');
  weight[0] = Number.NaN;
  await model.writeTensor(poisoned, 'value', weight);
}

describe('a training', () => {
  it.each([
    ['in the type of its model', { change: { amp: 'none' } }],
    ['with a scaled loss, the scale being a power of two,', { lossScale: scaled(2 ** 16) }],
  ] as const)('%s has the bits of one that knows nothing of it', async (_, run) => {
    const [model, twin] = [nativeModel(net, 'float32'), nativeModel(net, 'float32')];
    const [found, wanted] = [await steps(model, 6, run), await steps(twin, 6)];
    expect(found.losses).toEqual(wanted.losses);
    expect(await readAll(net, model)).toEqual(await readAll(net, twin));
  });

  it.each([
    ['bfloat16', 2 ** -8],
    ['float16', 2 ** -11],
  ] as const)('in %s goes as in float32, on weights of float32', async (amp, unit) => {
    const [model, twin] = [nativeModel(net, 'float32'), nativeModel(net, 'float32')];
    const [found, wanted] = [await steps(model, 6, { change: { amp } }), await steps(twin, 6)];
    expect(found.steps).toBe(6);
    expect(found.losses).not.toEqual(wanted.losses);
    expect(distance(found.losses, wanted.losses)).toBeLessThan(8 * unit);
    const [weights, others] = [await readAll(net, model), await readAll(net, twin)];
    for (const { path } of net.buffers)
      expect(distance(weights.get(path) ?? [], others.get(path) ?? []), path).toBeLessThan(64 * unit);
  });

  it('in bfloat16 adds up updates that are too small for bfloat16', async () => {
    const model = nativeModel(net, 'float32');
    const before = await model.readTensor('head.fc.weight', 'value');
    await steps(model, 1, { change: { amp: 'bfloat16', clip: { mode: 'norm', limit: 1e-3, params: [] } } });
    const after = await model.readTensor('head.fc.weight', 'value');
    const moved = distance(after, before);
    expect(moved).toBeGreaterThan(0);
    expect(moved).toBeLessThan(2 ** -9);
  });

  it.each([
    ['a model of float64', 'float64', { amp: 'bfloat16' }, undefined],
    [
      'steps that are undone',
      'float32',
      { amp: 'bfloat16', memory: { kind: 'reverse', every: 1 } },
      undefined,
    ],
    ['an unknown type', 'float32', { amp: 'float8' }, undefined],
    ['a scale of 0', 'float32', {}, scaled(0)],
    ['a scale that is no number', 'float32', {}, scaled(Number.NaN)],
    ['a negative count', 'float32', {}, scaled(1, { skipped: -1 })],
  ] as const)('in mixed precision is refused with %s', async (_, dtype, change, lossScale) => {
    const run = { change: change as Partial<NativeTrainerSpec>, ...(lossScale && { lossScale }) };
    expect(await codeOf(async () => steps(nativeModel(net, dtype), 1, run))).toBe('ERR_CONFIG');
  });
});

describe('the scale of a loss', () => {
  it('doubles after 2000 good steps', async () => {
    const model = nativeModel(net, 'float32');
    const first = await steps(model, 2, { ...half, lossScale: scaled(1024, { goodSteps: 1997 }) });
    expect(first.lossScale).toEqual(scaled(1024, { goodSteps: 1999 }));
    const second = await steps(model, 3, { ...half, first: 2, lossScale: first.lossScale ?? scaled(1) });
    expect(second.lossScale).toEqual(scaled(2048, { goodSteps: 2 }));
  });

  it('is none where none was given', async () => {
    expect((await steps(nativeModel(net, 'float32'), 1, half)).lossScale).toBeNull();
  });

  it.each(['sgd', 'adamw', 'lars', 'lamb'] as const)(
    'halves when the gradient overflows, and %s goes on as if it had not been asked',
    async (optimizer) => {
      const [model, twin] = [nativeModel(net, 'float32'), nativeModel(net, 'float32')];
      const run: Run = { ...half, settings: { optimizer } };
      let lossScale = scaled(2 ** 22);
      for (let first = 0; first < 16; first++) {
        const { scale, skipped } = lossScale;
        const found = await steps(model, 1, { ...run, first, lossScale });
        expect(found).toMatchObject({ steps: 1, notFinite: null, samples: 4 });
        const overflowed = found.lossScale?.skipped === skipped + 1;
        expect(found.lossScale?.scale).toBe(overflowed ? scale / 2 : scale);
        if (!overflowed)
          expect((await steps(twin, 1, { ...run, first, lossScale })).losses).toEqual(found.losses);
        lossScale = found.lossScale ?? scaled(0);
      }
      expect(lossScale.skipped).toBeGreaterThan(0);
      expect(lossScale.skipped).toBeLessThan(16);
      expect(await readAll(net, model)).toEqual(await readAll(net, twin));
    },
  );

  it('leaves every weight and statistic in a step that is skipped, its images counting as seen', async () => {
    const model = nativeModel(net, 'float32');
    const before = await readAll(net, model);
    const change = { amp: 'float16', accumulate: 2, ema: true } as const;
    const found = await steps(model, 2, { change, lossScale: scaled(2 ** 60) });
    expect(found).toMatchObject({ steps: 2, samples: 16, notFinite: null });
    expect(found.losses.every(Number.isFinite)).toBe(true);
    expect(found.lossScale).toEqual(scaled(2 ** 58, { skipped: 2 }));
    expect(await readAll(net, model)).toEqual(before);
  });

  it('does not hide a value that is not finite: below 1 the step fails, and the layer is named', async () => {
    const model = nativeModel(net, 'float32');
    await poison(model);
    const before = await readAll(net, model);
    const found = await steps(model, 30, { ...half, lossScale: scaled(8) });
    expect(found).toMatchObject({ steps: 3, notFinite: poisoned.replace('.weight', '') });
    expect(found.lossScale).toEqual(scaled(0.5, { skipped: 3 }));
    expect(await readAll(net, model)).toEqual(before);
  });
});
