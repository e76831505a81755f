/** What is done on the test device comes to what is done on the CPU: every scheme, noise and setting. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type ImageSet, imageSet } from '../../src/data/imageSet.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { Model } from '../../src/model/model.ts';
import { network } from '../../src/models/network.ts';
import { must } from '../../src/must.ts';
import type { Amp, TensorSet } from '../../src/native/binding.ts';
import { dropout, gaussianNoise, shakeShake, stochasticDepth } from '../../src/noise/index.ts';
import { leapfrog } from '../../src/schemes/leapfrog.ts';
import type { TrainSettingsInput } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import { table as schemes } from '../schemes/table.ts';
import { addon } from '../support/addon.ts';
import { thin } from '../support/graphs/nets.ts';
import { thinNets } from '../support/graphs/thinNets.ts';
import { noiseBytes } from '../support/noise.ts';
import { nhwc, random } from '../support/tensor.ts';
import { deviceAsCuda, deviceName } from './testDevice.ts';

const device = deviceAsCuda();

/** Random images of 5 classes in turn. */
function images({ input: { channels, height, width } }: Graph, count: number, seed: number): ImageSet {
  const labels = Array.from({ length: count }, (_, i) => i % 5);
  const pixels = noiseBytes(count * height * width * channels, seed);
  const classNames = [...'abcde'];
  return imageSet({ images: pixels, labels, height, width, channels, classNames });
}

type Numbers = Record<string, ArrayLike<number>>;

/** What a training of two epochs and an evaluation come to. */
async function trained(graph: Graph, device: 'cpu' | 'cuda', options: TrainSettingsInput): Promise<Numbers> {
  const model = await Model.create(graph, {
    device,
    dtype: options.amp ? 'float32' : 'float64',
    seed: 1,
    classNames: [...'abcde'],
  });
  onTestFinished(() => model.close());
  const [some, held] = [images(graph, 8, 0), images(graph, 6, 1)];
  const found: Numbers = {};
  const [losses, scores]: [number[], number[]] = [[], []];
  const run = train(model, { train: some, test: held }, { epochs: 2, batch: 4, lr: 0.02, ...options });
  for await (const event of run) {
    if (event.type === 'step') losses.push(...event.losses);
    if (event.type === 'eval') scores.push(event.loss, event.top1);
  }
  await run;
  Object.assign(found, { losses, scores });
  const sets: TensorSet[] = [
    'value',
    'momentum',
    'secondMoment',
    ...(options.modelEma ? (['ema'] as const) : []),
  ];
  for (const set of sets)
    for (const { path } of graph.params) found[`${set} of ${path}`] = await model.readTensor(path, set);
  for (const { path } of graph.buffers) found[path] = await model.readTensor(path);
  return found;
}

/** The largest difference, as a part of 1 + the largest number wanted: zeros are equal but for rounding. */
function gap(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  expect(found.length).toBe(wanted.length);
  const gaps = Array.from(wanted, (value, i) => Math.abs(value - (found[i] ?? Number.NaN)));
  return Math.max(...gaps) / (1 + Math.max(...Array.from(wanted, Math.abs)));
}

async function expectSame(graph: Graph, options: TrainSettingsInput, bound = 1e-12): Promise<void> {
  const [wanted, found] = [await trained(graph, 'cpu', options), await trained(graph, 'cuda', options)];
  expect(Object.keys(found)).toEqual(Object.keys(wanted));
  for (const [name, values] of Object.entries(wanted))
    expect(gap(must(found[name]), values), name).toBeLessThan(bound);
}

/** Fractals, and schemes on halves of the channels, have networks of their own. */
const ofThin = schemes.filter(({ name, channels }) => name !== 'fractal' && channels === 1);
const tried: readonly (readonly [string, Graph])[] = [
  ...ofThin.map(({ title, make }) => [title, network({ ...thin, scheme: make() })] as const),
  ...Object.entries({
    dropout: dropout({ p: 0.3 }),
    'Gaussian noise': gaussianNoise({ std: 0.1 }),
    'stochastic depth': stochasticDepth({ last: 0.5 }),
    'stochastic depth, for every image': stochasticDepth({ last: 0.5, per: 'sample' }),
    'shake-shake, for every image': shakeShake(),
    'shake-shake, for the batch': shakeShake({ backward: 'even', per: 'batch' }),
  }).map(([name, noise]) => [name, network({ ...thin, noise })] as const),
  ...['resnet20 shortcut=B', 'resnext29_8x64d', 'fractalnet20', 'revnet38'].map(
    (name) => [name, network(must(thinNets[name]))] as const,
  ),
];

const plain = network(thin);
const still: TrainSettingsInput = { epochs: 4, momentum: 0, modelEma: true, modelEmaDecay: 0.9 };
interface Setting {
  readonly title: string;
  readonly options: TrainSettingsInput;
  readonly graph?: Graph;
}
const settings: readonly Setting[] = (
  [
    ['recomputing', { memory: { kind: 'recompute', every: 2 } }],
    [
      'recomputing, with noise',
      { memory: { kind: 'recompute', every: 1 } },
      network({ ...thin, noise: dropout({ p: 0.3 }) }),
    ],
    ['undoing the leapfrog', { memory: 'reverse' }, network({ ...thin, scheme: leapfrog })],
    ['undoing a RevNet', { memory: 'reverse' }, network(must(thinNets.revnet38))],
    ['two batches a step', { batch: 2, accumulate: 2 }],
    ['AdamW', { optimizer: 'adamw', lr: 0.01 }],
    ['LARS', { optimizer: 'lars', lr: 1 }],
    ['LAMB', { optimizer: 'lamb', lr: 0.01 }],
    ['no momentum, averaged weights', still],
    ['Mixup', { mixup: 1, smoothing: 0.1 }],
    ['CutMix', { cutmix: 1 }],
    ['binary cross entropy', { loss: 'bce', bceTargetThreshold: 0.2, mixup: 1, cutmix: 1 }],
    ['a bound on the norm', { clipGrad: 0.1 }],
    ['a bound on every number', { clipGrad: 0.01, clipMode: 'value' }],
    ['a bound by units', { clipGrad: 0.01, clipMode: 'agc' }],
    ['frozen layers', { freeze: ['stem', 'stage1'] }],
    ['two sizes', { sizes: [6, 8] }],
    ['every image twice', { augRepeats: 2 }],
  ] as const satisfies readonly (readonly [string, TrainSettingsInput, Graph?])[]
).map(([title, options, graph]) => ({ title, options, ...(graph && { graph }) }));

describe('a training on a device', () => {
  it.each(tried)('is that on the CPU: %s', async (_, graph) => {
    await expectSame(graph, {});
  });

  it.each(settings)('is that on the CPU: $title', async ({ options, graph = plain }) => {
    await expectSame(graph, options);
  });

  it('is that on the CPU: a net with the stem of ImageNet, whose pooling adds in one order', async () => {
    await expectSame(network(must(thinNets.lm_resnet50)), { lr: 1e-6, epochs: 1 });
  });

  it('is that on the CPU: a thin PolyNet, which makes much of every rounding', async () => {
    await expectSame(network(must(thinNets.polynet)), { lr: 1e-9, epochs: 1 }, 1e-9);
  });

  it.each(['bfloat16', 'float16'] as const)('has finite losses, and falling ones: %s', async (amp) => {
    const { losses } = await trained(plain, 'cuda', { amp, epochs: 6, lr: 0.05 });
    const values = Array.from(must(losses));
    expect(values).toHaveLength(12);
    expect(must(values.at(-1))).toBeLessThan(must(values[0]));
  });
});

const noises = tried.filter(([name]) =>
  /^linearTwoStep(, k = 0$| per channel, k)|dropout|Gaussian|image|depth/.test(name),
);

describe('a training on a device that takes steps piece by piece', () => {
  it.each(noises)('is that on the CPU: %s', async (_, graph) => {
    await expectSame(graph, { capture: false, mixup: 1, cutmix: 1 });
  });
});

describe('a training on a device for which there are no kernels of ours', () => {
  beforeAll(() => device.setFault('noKernels', true));
  afterAll(() => device.setFault('noKernels', false));
  const optimized = settings.filter(({ title }) =>
    /AdamW|LARS|LAMB|momentum|Mixup|CutMix|batches/.test(title),
  );

  it.each(noises)('is that on the CPU: %s', async (_, graph) => {
    await expectSame(graph, {});
  });

  it.each(optimized)('is that on the CPU: $title', async ({ options, graph = plain }) => {
    await expectSame(graph, options);
  });
});

describe('a pass on a device', () => {
  /** Output and gradients by libtorch's own functions, which are all that a device without ours has. */
  async function pass(graph: Graph, device: string, amp: Amp): Promise<ArrayLike<number>[]> {
    const model = new (addon().Model)(graph.toSpec(), { device, dtype: 'float32', seed: 0 });
    const { channels, height, width } = graph.input;
    const [x, cotangent] = [random('x', [4, channels, height, width]), random('y', [4, graph.classes]).data];
    const options = { training: true, seed: 3, amp, plain: true };
    const { output } = await model.vjp(nhwc(x), 4, height, width, cotangent, options);
    const gradients = graph.params.map(({ path }) => model.readTensor(path, 'gradient'));
    return [output.data, ...(await Promise.all(gradients))];
  }

  it.each(
    ['lm_resnet20', 'resnext29_8x64d', 'fractalnet20', 'shake_shake26_2x32d'].flatMap((net) =>
      (['none', 'bfloat16', 'float16'] as const).map((amp) => ({ net, amp })),
    ),
  )('is that on the CPU by the same functions, to the bit: $net, $amp', async ({ net, amp }) => {
    const graph = network(must(thinNets[net]));
    expect(await pass(graph, deviceName, amp)).toEqual(await pass(graph, 'cpu', amp));
  });
});
