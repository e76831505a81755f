/** Strategies of memory: the same gradients and statistics, less memory. */
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../../src/graph/graph.ts';
import { network } from '../../../src/models/network.ts';
import { presetConfig } from '../../../src/models/presets.ts';
import type { NativeMemory, NativeModel } from '../../../src/native/binding.ts';
import { stochasticDepth } from '../../../src/noise/stochasticDepth.ts';
import type { Noise, Scheme } from '../../../src/roles.ts';
import { euler } from '../../../src/schemes/euler.ts';
import { leapfrog } from '../../../src/schemes/leapfrog.ts';
import { linearTwoStep } from '../../../src/schemes/linearTwoStep.ts';
import { momentum } from '../../../src/schemes/momentum.ts';
import { reversible } from '../../../src/schemes/reversible.ts';
import { rungeKutta } from '../../../src/schemes/rungeKutta.ts';
import { addon } from '../../support/addon.ts';
import { codeOf } from '../../support/failures.ts';
import { thinNets } from '../../support/graphs/thinNets.ts';
import { trainingLoader } from '../../support/loader.ts';
import { chunkTable, nativeModel } from '../../support/natives.ts';
import { distance, nhwc, random } from '../../support/tensor.ts';

const store: NativeMemory = { kind: 'store', every: 1 };
const recompute = (every: number): NativeMemory => ({ kind: 'recompute', every });
const reverse: NativeMemory = { kind: 'reverse', every: 1 };

/** A thin net of pre-activation blocks: one stage of `steps`, or two. */
function thin(
  scheme: Scheme,
  { steps = 4, stages = 2, noise }: { steps?: number; stages?: number; noise?: Noise } = {},
): Graph {
  const widths = [8, 16].slice(0, stages);
  return network({
    ...presetConfig('preact_resnet20', { input: [3, 8, 8], classes: 3 }),
    name: 'thin',
    stem: presetConfig('preact_resnet20').stem,
    stages: [16, 32].slice(0, widths.length).map((width, i) => ({ width, steps, stride: i + 1 })),
    scheme,
    ...(noise === undefined ? {} : { noise }),
  });
}

interface Pass {
  readonly output: Float64Array;
  readonly gradients: Map<string, Float32Array | Float64Array>;
  readonly input: Float64Array;
}

/** Output and gradients of three images in training, by one strategy. */
async function pass(graph: Graph, model: NativeModel, memory: NativeMemory): Promise<Pass> {
  const { channels, height, width } = graph.input;
  const x = nhwc(random('x', [3, channels, height, width]));
  const cotangent = random('cotangent', [3, graph.classes]).data;
  const options = { training: true, seed: 3, memory };
  const { output, inputGradient } = await model.vjp(x, 3, height, width, cotangent, options);
  const gradients = new Map<string, Float32Array | Float64Array>();
  for (const { path } of graph.params) gradients.set(path, await model.readTensor(path, 'gradient'));
  return { output: output.data, gradients, input: inputGradient?.data ?? new Float64Array() };
}

/** Every architecture by recomputation; what can be undone by that too. */
const architectures = Object.entries(thinNets).map(([name, config]) => ({
  name,
  graph: network(config),
  memories: name.startsWith('revnet') ? [recompute(2), reverse] : [recompute(2)],
}));

const rows: readonly { name: string; graph: Graph; memories: readonly NativeMemory[] }[] = [
  { name: 'Euler', graph: thin(euler), memories: [recompute(1), recompute(3), recompute(99)] },
  { name: 'linear two-step', graph: thin(linearTwoStep()), memories: [recompute(1), recompute(2)] },
  {
    name: 'linear two-step, k far from 0',
    graph: thin(linearTwoStep({ init: [-0.9, -0.5] })),
    memories: [reverse],
  },
  { name: 'Runge-Kutta', graph: thin(rungeKutta('rk4')), memories: [recompute(2)] },
  { name: 'RevNet', graph: thin(reversible, { stages: 1 }), memories: [recompute(2), reverse] },
  { name: 'momentum', graph: thin(momentum({ gamma: 0.9 })), memories: [recompute(1), reverse] },
  { name: 'leapfrog', graph: thin(leapfrog), memories: [recompute(2), reverse] },
  {
    name: 'leapfrog with stochastic depth',
    graph: thin(leapfrog, { noise: stochasticDepth({ last: 0.3 }) }),
    memories: [recompute(1), reverse],
  },
  ...architectures,
];

describe.each(rows)('$name', ({ graph, memories }) => {
  it.each(memories)('has the same gradients with $kind every $every', async (memory) => {
    const model = nativeModel(graph);
    const wanted = await pass(graph, model, store);
    const found = await pass(graph, model, memory);
    expect(distance(found.output, wanted.output)).toBeLessThan(1e-12);
    expect(distance(found.input, wanted.input)).toBeLessThan(1e-9);
    for (const [path, gradient] of wanted.gradients)
      expect(distance(found.gradients.get(path) ?? [], gradient), path).toBeLessThan(1e-9);
  });

  it.each(memories)('moves batch statistics once with $kind every $every', async (memory) => {
    const { channels, height, width } = graph.input;
    const images = Uint8Array.from(random('pixels', [6, height, width, channels]).data, (v) => 128 + 100 * v);
    const labels = Int32Array.of(0, 1, 2, 0, 1, 2);
    const source = new (addon().Source)({ kind: 'memory', images, labels, height, width, channels });
    const trained = async (strategy: NativeMemory): Promise<NativeModel> => {
      const model = nativeModel(graph);
      const all = { params: graph.params.map((_, i) => i), lrScale: 1, decayScale: 0 };
      const optimizer = { kind: 'sgd', nesterov: false, groups: [all] } as const;
      const trainer = new (addon().Trainer)(model, source, {
        loader: trainingLoader(graph.input, 6, 3),
        seed: 3,
        memory: strategy,
        optimizer,
      });
      await trainer.run({ first: 0, table: chunkTable(Array(2).fill({ lr: 0.01, momentum: 0.9 })) });
      return model;
    };
    const [one, other] = [await trained(store), await trained(memory)];
    for (const { path } of [...graph.buffers, ...graph.params]) {
      const [a, b] = [await one.readTensor(path, 'value'), await other.readTensor(path, 'value')];
      expect(distance(b, a), path).toBeLessThan(1e-9);
    }
  });
});

describe('peak memory of activations', () => {
  const peak = async (graph: Graph, memory: NativeMemory): Promise<number> => {
    const model = nativeModel(graph, 'float32');
    const images = nhwc(random('x', [16, 3, 32, 32]));
    const run = (): Promise<unknown> =>
      model.vjp(images, 16, 32, 32, random('c', [16, 3]).data, { training: true, memory });
    await run(); // makes what stays, such as gradients
    const { live } = addon().memory(true);
    await run();
    return addon().memory(false).peak - live;
  };
  const deep = (scheme: Scheme, steps: number): Graph => thin(scheme, { stages: 1, steps });

  it('does not grow with depth when steps are undone', async () => {
    const [short, long] = [
      await peak(deep(reversible, 4), reverse),
      await peak(deep(reversible, 40), reverse),
    ];
    expect(long / short).toBeLessThan(1.15);
  });

  it('grows with the square root of depth when groups of as many steps are computed again', async () => {
    const stored = await peak(deep(euler, 36), store);
    expect(await peak(deep(euler, 36), recompute(6))).toBeLessThan(0.45 * stored);
  });
});

describe('undoing steps', () => {
  it.each([
    { name: 'a scheme that cannot be undone', graph: thin(euler) },
    { name: 'a k too near 0', graph: thin(linearTwoStep({ init: [-1e-9, 1e-9] }), { steps: 6 }) },
  ])('is refused for $name', async ({ graph }) => {
    const model = nativeModel(graph);
    expect(await codeOf(pass(graph, model, reverse))).toBe('ERR_CONFIG');
  });
});
