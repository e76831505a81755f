import { describe, expect, it } from 'vitest';
import { globalAvgPool, lin } from '../../src/graph/functions.ts';
import { type Graph, trace } from '../../src/graph/graph.ts';
import {
  basic,
  basicConvs,
  bottleneck,
  convBnRelu,
  preact,
  preactBasic,
  preactBottleneck,
  reluBasic,
} from '../../src/nn/blocks.ts';
import { inception } from '../../src/nn/inception.ts';
import { xavierUniform } from '../../src/nn/layers.ts';
import type { Block, IO } from '../../src/roles.ts';
import { thrown } from '../support/errors.ts';

/** f applied so many times to an image of io.in channels, 8 x 8 pixels. */
function graphOf(block: Block, io: IO, times = 1): Graph {
  const fill = (value: number): number[] => Array.from({ length: io.in }, () => value);
  const input = { channels: io.in, height: 8, width: 8, mean: fill(0), std: fill(1) };
  return trace('block', input, (s, x) => {
    const f = block(s.at('f'), io);
    let u = x;
    for (let i = 0; i < times; i++) u = f(u);
    return globalAvgPool(u);
  });
}

/** Operations by layer, norms as one, without the pool. */
const layers = (graph: Graph): string[] =>
  graph.nodes
    .filter(({ op }) => op !== 'batchNormStats' && op !== 'input' && op !== 'globalAvgPool')
    .map(({ path }) => path.replace('f.', ''));

const strides = (graph: Graph): string[] =>
  graph.nodes
    .filter(({ op, attrs }) => op === 'conv2d' && String(attrs.stride) === '2,2')
    .map(({ path }) => path);

const wide: IO = { in: 8, out: 16, stride: 2 };

describe.each([
  ['basic', basic, 'conv1 bn1 relu1 conv2 bn2', 'f.conv1'],
  ['preactBasic', preactBasic, 'bn1 relu1 conv1 bn2 relu2 conv2', 'f.conv1'],
  ['preact, bare', preact(basicConvs, { bare: true }), 'conv1 bn2 relu2 conv2', 'f.conv1'],
  ['reluBasic', reluBasic, 'relu0 conv1 bn1 relu1 conv2 bn2', 'f.conv1'],
  ['bottleneck', bottleneck(), 'conv1 bn1 relu1 conv2 bn2 relu2 conv3 bn3', 'f.conv2'],
  [
    'bottleneck, stride on the 1x1',
    bottleneck({ stride: 'conv1' }),
    'conv1 bn1 relu1 conv2 bn2 relu2 conv3 bn3',
    'f.conv1',
  ],
  ['preactBottleneck', preactBottleneck(), 'bn1 relu1 conv1 bn2 relu2 conv2 bn3 relu3 conv3', 'f.conv2'],
  ['convBnRelu', convBnRelu(), 'conv bn relu', 'f.conv'],
  ['convBnRelu with dropout', convBnRelu({ dropout: 0.1 }), 'conv dropout bn relu', 'f.conv'],
] as const)('%s', (_, block, order, strided) => {
  const graph = graphOf(block, wide);

  it('has its layers in order, the stride in its place', () => {
    expect(layers(graph)).toEqual(order.split(' '));
    expect(strides(graph)).toEqual([strided]);
    expect(graph.shapes().at(-2)).toEqual([1, 16, 4, 4]);
  });

  it('shares its weights when it is applied twice', () => {
    const same: IO = { in: 16, out: 16, stride: 1 };
    const [once, twice] = [graphOf(block, same), graphOf(block, same, 2)];
    expect(twice.params).toEqual(once.params);
    expect(twice.nodes.length).toBeGreaterThan(once.nodes.length);
  });
});

describe('bottlenecks', () => {
  const shapes = (block: Block, out: number): Record<string, readonly number[]> => {
    const { params } = graphOf(block, { in: out, out, stride: 1 });
    return Object.fromEntries(params.map(({ path, shape }) => [path, shape]));
  };

  it.each([
    ['32x4d at 256', { groups: 32, width: 4 }, 256, 128, 4],
    ['8x64d at 512', { groups: 8, width: 64 }, 512, 1024, 128],
    ['one group of twice the width', { width: 128 }, 256, 128, 128],
    ['the plain one', {}, 256, 64, 64],
  ])('of form C have D·C channels inside: %s', (_, options, out, inner, perGroup) => {
    for (const block of [bottleneck(options), preactBottleneck(options)])
      expect(shapes(block, out)).toMatchObject({
        'f.conv1.weight': [inner, out, 1, 1],
        'f.conv2.weight': [inner, perGroup, 3, 3],
        'f.conv3.weight': [out, inner, 1, 1],
      });
  });

  it.each([
    ['widths that the expansion does not divide', {}, 6],
    ['groups without channels', { groups: 2, width: 1 }, 16],
  ])('refuse %s', (_, options, out) => {
    const io = { in: out, out, stride: 1 };
    expect(thrown(() => graphOf(bottleneck(options), io)).code).toBe('ERR_CONFIG');
  });
});

describe('convBnRelu', () => {
  it('takes a bias, norms without scale and shift, and another law', () => {
    const block = convBnRelu({ bias: true, norm: { affine: false, eps: 1e-3 }, init: xavierUniform });
    const graph = graphOf(block, { in: 4, out: 8, stride: 1 });
    expect(graph.params.map(({ path }) => path).toSorted()).toEqual(['f.conv.bias', 'f.conv.weight']);
    const bound = Math.sqrt(3 / 36);
    const weight = graph.params.find(({ path }) => path === 'f.conv.weight');
    expect(weight?.init).toEqual({ kind: 'uniform', low: -bound, high: bound });
    expect(graph.nodes.find(({ op }) => op === 'batchNormStats')?.attrs.eps).toBe(1e-3);
  });
});

describe('inception', () => {
  const one = 1 / 16;
  it.each([
    ['A', 24, 3],
    ['B', 72, 2],
    ['C', 128, 2],
  ] as const)('%s keeps the shape of %i channels with %i paths side by side', (kind, width, paths) => {
    const graph = graphOf(inception(kind, { factor: one }), { in: width, out: width, stride: 1 });
    const shapes = graph.shapes();
    expect(shapes.at(-2)).toEqual([1, width, 8, 8]);
    const readers = graph.nodes.filter(({ op, inputs }) => op === 'conv2d' && inputs[0] === 0);
    expect(readers).toHaveLength(paths);
  });

  it('shares the convolutions of its paths between applications, and nothing else', () => {
    const params = graphOf(inception('C', { factor: one }), { in: 128, out: 128, stride: 1 }, 2).params;
    const paths = params.map(({ path }) => path);
    expect(paths.filter((path) => /path\d\.conv/.test(path))).toHaveLength(4);
    expect(paths.filter((path) => path.includes('path0.bn1.use1.'))).toHaveLength(2);
    expect(paths.filter((path) => /^f\.conv\.use[01]\.weight$/.test(path))).toHaveLength(2);
    expect(paths.filter((path) => /^f\.bn\.use[01]\./.test(path))).toHaveLength(4);
  });

  it('rectifies what its second application reads', () => {
    const graph = graphOf(inception('A', { factor: one }), { in: 24, out: 24, stride: 1 }, 2);
    expect(graph.nodes.filter(({ path }) => path.startsWith('f.relu.')).map(({ path }) => path)).toEqual([
      'f.relu.use1',
    ]);
  });

  it('refuses strides', () => {
    const io = { in: 24, out: 24, stride: 2 };
    expect(thrown(() => graphOf(inception('A', { factor: one }), io)).code).toBe('ERR_CONFIG');
  });
});

describe('pre', () => {
  it('is the first norm-relu, one node for all who ask', () => {
    const input = { channels: 4, height: 8, width: 8, mean: [0, 0, 0, 0], std: [1, 1, 1, 1] };
    const graph = trace('pre', input, (s, x) => {
      const f = preactBasic(s.at('f'), { in: 4, out: 4, stride: 1 });
      const pre = f.pre?.(x) ?? x;
      return globalAvgPool(lin([1, pre], [1, f(x)]));
    });
    expect(graph.nodes.filter(({ path }) => path === 'f.relu1')).toHaveLength(1);
  });

  it('is absent where f has none', () => {
    const input = { channels: 4, height: 8, width: 8, mean: [0, 0, 0, 0], std: [1, 1, 1, 1] };
    trace('bare', input, (s, x) => {
      const io = { in: 4, out: 4, stride: 1 };
      for (const block of [basic, preact(basicConvs, { bare: true })])
        expect(block(s.at(`f${block === basic}`), io).pre).toBeUndefined();
      return globalAvgPool(x);
    });
  });
});
