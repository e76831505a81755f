/** What the plan changes must not change values: fused norms, combinations in one pass, memory used again. */
import { describe, expect, it } from 'vitest';
import * as fn from '../../../src/graph/functions.ts';
import { type Graph, trace } from '../../../src/graph/graph.ts';
import { constant } from '../../../src/graph/inits.ts';
import type { Node } from '../../../src/graph/node.ts';
import type { Scope } from '../../../src/graph/scope.ts';
import type { Dtype } from '../../../src/native/binding.ts';
import { addon } from '../../support/addon.ts';
import { uniform } from '../../support/graphs/formula.ts';
import { normed } from '../../support/graphs/normed.ts';
import { trainingLoader } from '../../support/loader.ts';
import {
  chunkTable,
  type Gradients,
  gradients,
  nativeModel,
  plainInput,
  randomTensors,
  writeAll,
} from '../../support/natives.ts';
import * as ref from '../../support/reference.ts';
import { distance, nhwc, random, tensor } from '../../support/tensor.ts';

type Norm = (s: Scope, x: Node) => Node;

/** relu(batchNorm(x)) in graphs that mean the same; the plan fuses all of the first, part of the others. */
const norms: Readonly<Record<string, Norm>> = {
  'fused whole': (s, x) => fn.relu(normed(s, x).y),
  'fused but for relu, the norm being read again': (s, x) => {
    const { y } = normed(s, x);
    return fn.lin([1, fn.relu(y)], [0, y]);
  },
  'not fused, the statistics being used twice': (s, x) => {
    const { stats, y } = normed(s, x);
    return fn.lin([1, fn.relu(y)], [0, fn.batchNormApply(x, stats)]);
  },
  'fused, of maps that lie apart': (s, x) =>
    fn.relu(normed(s, fn.slice(fn.padChannels(x, 1, 2), 1, 1 + x.channels)).y),
};

function net(norm: Norm): Graph {
  return trace('net', plainInput(2, 6, 5), (s, x) => {
    const conv = (name: string, u: Node, out: number): Node =>
      fn.conv2d(u, s.param(name, [out, u.channels, 3, 3], constant(0), { kind: 'weight' }), { padding: 1 });
    const first = norm(s.at('a'), conv('conv1', x, 3));
    return norm(s.at('b'), fn.lin([1, first], [s.param('k', [1], constant(0)), conv('conv2', first, 3)]));
  });
}

async function gradientsOf(graph: Graph, dtype: Dtype, training: boolean): Promise<Gradients> {
  const model = nativeModel(graph, dtype);
  await writeAll(model, randomTensors(graph));
  const x = random('x', [3, 2, 6, 5]);
  return gradients(graph, model, x, random('cotangent', [3, 3, 6, 5]).data, training);
}

describe.each([
  { dtype: 'float64', tolerance: 1e-10 },
  { dtype: 'float32', tolerance: 1e-5 },
] as const)('norm and relu in $dtype', ({ dtype, tolerance }) => {
  it.each(Object.keys(norms).flatMap((how) => [true, false].map((training) => ({ how, training }))))(
    'have one value and gradient when $how, training: $training',
    async ({ how, training }) => {
      const wanted = await gradientsOf(
        net(norms['not fused, the statistics being used twice'] as Norm),
        'float64',
        training,
      );
      const found = await gradientsOf(net(norms[how] as Norm), dtype, training);
      expect(distance(found.output, wanted.output)).toBeLessThan(tolerance);
      expect(distance(found.input, wanted.input)).toBeLessThan(tolerance);
      expect([...found.params.keys()].toSorted()).toEqual([...wanted.params.keys()].toSorted());
      for (const [path, grad] of wanted.params)
        expect(distance(found.params.get(path) ?? [], grad), path).toBeLessThan(tolerance);
    },
  );
});

/**
 * Sizes at which the loops of the fused kernels run in whole rows, in pieces of them, over several blocks, or
 * not at all.
 */
describe.each([
  [4, 3, 30, 31],
  [2, 1, 100, 101],
  [2, 40, 20, 21],
  [3, 16, 16, 16],
  [2, 131, 9, 8],
  [2, 300, 3, 3],
  [2, 5, 1, 3],
] as const)('norm and relu of %d maps [%d, %d, %d]', (...image) => {
  it.each(
    (['float32', 'float64'] as const).flatMap((dtype) =>
      [true, false].map((training) => ({ dtype, training })),
    ),
  )(
    'have the value and gradients of the parts, in $dtype, training: $training',
    async ({ dtype, training }) => {
      const x = random('x', image);
      const cotangent = random('cotangent', image).data;
      const of = async (how: string, precision: Dtype): Promise<Gradients> => {
        const [, c, h, w] = image;
        const graph = trace('norm', plainInput(c, h, w), (s, u) => (norms[how] as Norm)(s, u));
        const model = nativeModel(graph, precision);
        await writeAll(model, randomTensors(graph));
        return gradients(graph, model, x, cotangent, training);
      };
      const wanted = await of('not fused, the statistics being used twice', 'float64');
      const found = await of('fused whole', dtype);
      const tolerance = dtype === 'float32' ? 1e-5 : 1e-10;
      expect(distance(found.output, wanted.output)).toBeLessThan(tolerance);
      expect(distance(found.input, wanted.input)).toBeLessThan(tolerance);
      for (const [path, grad] of wanted.params)
        expect(distance(found.params.get(path) ?? [], grad), path).toBeLessThan(tolerance);
    },
  );
});

describe('running statistics', () => {
  const [n, size, momentum] = [6, 4, 0.3];
  const input = { ...plainInput(2, size, size), mean: [0.4, 0.5], std: [0.25, 0.5] };
  const images = Uint8Array.from(uniform('images', n * size * size * 2), (r) => 256 * r);
  const batch = tensor([n, 2, size, size], (i = 0, c = 0, y = 0, x = 0) => {
    const pixel = images[((i * size + y) * size + x) * 2 + c] ?? 0;
    return (pixel / 255 - (input.mean[c] ?? 0)) / (input.std[c] ?? 1);
  });

  it.each(
    Object.keys(norms).flatMap((how) => (['float32', 'float64'] as const).map((dtype) => ({ how, dtype }))),
  )('move to those of the batch, the variance without bias, when $how in $dtype', async ({ how, dtype }) => {
    const graph = trace('net', input, (s, x) => {
      const u = fn.globalAvgPool((norms[how] as Norm)(s, x));
      return fn.linear(u, s.param('fc', [2, 2], constant(0.5)));
    });
    const model = nativeModel(graph, dtype);
    const before = { mean: [0.5, -2], var: [3, 0.25] };
    for (const [path, values] of Object.entries(before))
      await model.writeTensor(path, 'value', Float64Array.from(values));
    const source = new (addon().Source)({
      kind: 'memory',
      images,
      labels: new Int32Array(n),
      height: size,
      width: size,
      channels: 2,
    });
    const optimizer = { kind: 'sgd', nesterov: false, groups: [] } as const;
    const trainer = new (addon().Trainer)(model, source, {
      loader: trainingLoader({ height: size, width: size, channels: 2 }, n, 0),
      seed: 0,
      optimizer,
    });
    await trainer.run({ first: 0, table: chunkTable([{}, {}]) });

    const { mean, variance } = ref.moments(batch);
    const count = n * size * size;
    const twice = (old: number, now: number): number =>
      (1 - momentum) ** 2 * old + (momentum + momentum * (1 - momentum)) * now;
    const tolerance = dtype === 'float32' ? 1e-6 : 1e-12;
    const wantedMean = before.mean.map((old, c) => twice(old, mean[c] ?? 0));
    const wantedVar = before.var.map((old, c) => twice(old, ((variance[c] ?? 0) * count) / (count - 1)));
    expect(distance(await model.readTensor('mean', 'value'), wantedMean)).toBeLessThan(tolerance);
    expect(distance(await model.readTensor('var', 'value'), wantedVar)).toBeLessThan(tolerance);
  });

  it('stay as they are after a gradient, a probe, a prediction and an evaluation', async () => {
    const graph = net(norms['fused whole'] as Norm);
    const model = nativeModel(graph);
    await writeAll(model, randomTensors(graph));
    const before = await model.readTensor('a.var', 'value');
    const x = random('x', [3, 2, 6, 5]);
    await gradients(graph, model, x, random('cotangent', [3, 3, 6, 5]).data, true);
    await model.probe(new Uint8Array(60), 1, 6, 5, [1]);
    await model.predict(new Uint8Array(60), 1, 6, 5);
    expect(await model.readTensor('a.var', 'value')).toEqual(before);
  });
});

describe('a probe, which runs the graph as it was traced', () => {
  it.each(Object.entries(norms))('reads the values that a prediction has, norms %s', async (_, norm) => {
    const graph = net(norm);
    const model = nativeModel(graph);
    await writeAll(model, randomTensors(graph));
    const pixels = Uint8Array.from(uniform('p', 2 * 60), (r) => 256 * r);
    const logits = await model.predict(pixels, 2, 6, 5);
    const [found] = await model.probe(pixels, 2, 6, 5, [graph.output]);
    expect(distance(logits, found?.data ?? [])).toBeLessThan(1e-6);
  });

  it('reads every node, in the shapes of the graph', async () => {
    const graph = net(norms['not fused, the statistics being used twice'] as Norm);
    const nodes = graph.nodes.map((_, i) => i);
    const found = await nativeModel(graph).probe(new Uint8Array(120), 2, 6, 5, nodes);
    expect(found.map(({ shape }) => shape)).toEqual(graph.shapes(2));
  });

  it.each([1, 2, 3])('finds the pixels normalised at the input, of %d channels', async (channels) => {
    const [mean, std] = [
      [0.5, 0.25, 0.125],
      [0.2, 3, 1],
    ].map((values) => values.slice(0, channels)) as [number[], number[]];
    const input = { channels, height: 3, width: 2, mean, std };
    const graph = trace('plain', input, (_, x) => fn.relu(x));
    const pixels = Uint8Array.from(uniform('p', 4 * channels * 6), (r) => 256 * r);
    const [found] = await nativeModel(graph).probe(pixels, 4, 3, 2, [0]);
    const wanted = Array.from(pixels, (_, i) => {
      const [image, rest] = [Math.floor(i / (6 * channels)), i % (6 * channels)];
      const [c, place] = [Math.floor(rest / 6), rest % 6];
      const pixel = pixels[(image * 6 + place) * channels + c] ?? Number.NaN;
      return (pixel / 255 - (mean[c] ?? Number.NaN)) / (std[c] ?? Number.NaN);
    });
    expect(distance(found?.data ?? [], wanted)).toBeLessThan(1e-14);
  });
});

describe('a linear combination', () => {
  const input = plainInput(3, 3, 3);
  const combined = (shape: readonly number[]): Graph =>
    trace('lin', input, (s, x) => {
      const k = s.param('k', shape, constant(0));
      return fn.lin([k, x], [2, fn.relu(x)], [k, fn.relu(x)]);
    });

  it('has the same value with one number as with that number for every channel, and the sum of its gradients', async () => {
    const x = random('x', [2, 3, 3, 3]);
    const cotangent = random('cotangent', [2, 3, 3, 3]).data;
    const [one, each] = await Promise.all(
      [[1], [3, 1, 1]].map(async (shape) => {
        const graph = combined(shape);
        const model = nativeModel(graph);
        await model.writeTensor('k', 'value', new Float64Array(shape[0] ?? 0).fill(-0.3));
        return gradients(graph, model, x, cotangent, true);
      }),
    );
    expect(distance(one?.output ?? [], each?.output ?? [0])).toBeLessThan(1e-14);
    expect(distance(one?.input ?? [], each?.input ?? [0])).toBeLessThan(1e-14);
    const sum = Array.from(each?.params.get('k') ?? []).reduce((a, b) => a + b, 0);
    expect(distance(one?.params.get('k') ?? [], [sum])).toBeLessThan(1e-12);
  });
});

describe('a NaN', () => {
  it.each(Object.entries(norms))('passes through norm and relu, norms %s', async (_, norm) => {
    const graph = trace('net', plainInput(2, 3, 3), (s, x) => norm(s, x));
    for (const dtype of ['float32', 'float64'] as const) {
      const model = nativeModel(graph, dtype);
      await model.writeTensor('bias', 'value', Float64Array.of(Number.NaN, 0));
      for (const training of [false, true]) {
        const { output } = await model.vjp(nhwc(random('x', [2, 2, 3, 3])), 2, 3, 3, null, { training });
        const nan = Array.from(output.data, Number.isNaN);
        expect(nan).toEqual(nan.map((_, i) => Math.floor(i / 9) % 2 === 0));
      }
    }
  });

  it('passes through relu by itself, also in place', async () => {
    const graph = trace('relu', plainInput(1, 2, 2), (_, x) => fn.relu(fn.lin([1, x], [0, x])));
    const x = Float64Array.of(Number.NaN, -1, 2, -Number.NaN);
    const { output } = await nativeModel(graph).vjp(x, 1, 2, 2, null, { training: false });
    expect(output.data).toEqual(Float64Array.of(Number.NaN, 0, 2, Number.NaN));
  });
});
