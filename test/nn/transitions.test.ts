import { describe, expect, it } from 'vitest';
import { globalAvgPool } from '../../src/graph/functions.ts';
import { type Graph, trace } from '../../src/graph/graph.ts';
import { network } from '../../src/models/network.ts';
import { preset } from '../../src/models/presets.ts';
import { basic, preactBasic } from '../../src/nn/blocks.ts';
import { reduction } from '../../src/nn/inception.ts';
import {
  normedProjection,
  optionA,
  ownNorm,
  plainProjection,
  pooledPadding,
  preactivated,
  type Shortcut,
  twoPaths,
} from '../../src/nn/shortcuts.ts';
import { halvesTransition, projectedHistory, restarted } from '../../src/nn/transitions.ts';
import type { IO, Transition } from '../../src/roles.ts';
import { euler } from '../../src/schemes/euler.ts';
import { linearTwoStep } from '../../src/schemes/linearTwoStep.ts';
import { reversible } from '../../src/schemes/reversible.ts';
import { rungeKutta } from '../../src/schemes/rungeKutta.ts';
import { threeStep } from '../../src/schemes/threeStep.ts';
import { thrown } from '../support/errors.ts';
import { thin } from '../support/graphs/nets.ts';

/** P alone, on an image of io.in channels, 8 x 8 pixels, beside a pre-activation f. */
function graphOf(shortcut: Shortcut, io: IO): Graph {
  const fill = (value: number): number[] => Array.from({ length: io.in }, () => value);
  const input = { channels: io.in, height: 8, width: 8, mean: fill(0), std: fill(1) };
  return trace('shortcut', input, (s, x) =>
    globalAvgPool(shortcut(s.at('p'), io, preactBasic(s.at('f'), io))(x)),
  );
}

const ops = (graph: Graph): string[] =>
  graph.nodes.map(({ op }) => op).filter((op) => !['input', 'batchNormStats', 'globalAvgPool'].includes(op));
const size = (graph: Graph): number =>
  graph.params.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);

const halving: IO = { in: 4, out: 8, stride: 2 };

describe.each([
  ['ownNorm', ownNorm, 'batchNormApply relu conv2d', 8 + 32],
  ['plainProjection', plainProjection, 'conv2d', 32],
  ['normedProjection', normedProjection, 'conv2d batchNormApply', 32 + 16],
  ['optionA', optionA, 'avgPool2d padChannels', 0],
  ['pooledPadding', pooledPadding, 'avgPool2d padChannels', 0],
  ['preactivated(plainProjection)', preactivated(plainProjection), 'batchNormApply relu conv2d', 8 + 32],
  ['preactivated(optionA)', preactivated(optionA), 'batchNormApply relu avgPool2d padChannels', 8],
] as const)('%s', (_, shortcut, order, parameters) => {
  it('has its operations, shape and parameters', () => {
    const graph = graphOf(shortcut, halving);
    expect(ops(graph)).toEqual(order.split(' '));
    expect(graph.shapes().at(-2)).toEqual([1, 8, 4, 4]);
    expect(size(graph)).toBe(parameters);
  });
});

describe('shortcuts', () => {
  const same: IO = { in: 4, out: 4, stride: 1 };

  it.each([
    ['plainProjection', plainProjection],
    ['normedProjection', normedProjection],
    ['optionA', optionA],
    ['pooledPadding', pooledPadding],
  ])('are the identity where nothing changes: %s', (_, shortcut) => {
    expect(ops(graphOf(shortcut, same))).toEqual([]);
  });

  it('of option A keep every second pixel and append zeros; of RevNet average and surround', () => {
    const find = (shortcut: Shortcut, op: string): object =>
      graphOf(shortcut, halving).nodes.find((node) => node.op === op)?.attrs ?? {};
    expect(find(optionA, 'avgPool2d')).toMatchObject({ kernel: [1, 1], stride: [2, 2] });
    expect(find(optionA, 'padChannels')).toEqual({ before: 0, after: 4 });
    expect(find(pooledPadding, 'avgPool2d')).toMatchObject({ kernel: [2, 2], stride: [2, 2] });
    expect(find(pooledPadding, 'padChannels')).toEqual({ before: 2, after: 2 });
  });

  it('without parameters refuse fewer channels, and RevNet’s an odd number of new ones', () => {
    const less: IO = { in: 8, out: 4, stride: 2 };
    for (const shortcut of [optionA, pooledPadding])
      expect(thrown(() => graphOf(shortcut, less)).code).toBe('ERR_CONFIG');
    expect(thrown(() => graphOf(pooledPadding, { in: 4, out: 7, stride: 1 })).code).toBe('ERR_CONFIG');
  });
});

/** Values of pools and shifts on one channel of an image. */
function values(graph: Graph, image: readonly (readonly number[])[]): number[][][] {
  const results: number[][][] = [];
  const pair = (value: unknown): [number, number] => value as [number, number];
  for (const node of graph.nodes) {
    const [u = []] = node.inputs.map((i) => results[i] ?? []);
    const [kernel, stride, padding] = [node.attrs.kernel, node.attrs.stride, node.attrs.padding].map(pair);
    if (node.op === 'input') results.push(image.map((row) => [...row]));
    else if (node.op === 'relu') results.push(u);
    else if (node.op === 'shift') {
      const [h, w] = pair(node.attrs.by);
      results.push(u.map((row, i) => row.map((_, j) => u[i - h]?.[j - w] ?? 0)));
    } else if (node.op === 'avgPool2d' && kernel && stride && padding) {
      const count = (length: number, d: 0 | 1): number =>
        Math.floor((length + 2 * padding[d] - kernel[d]) / stride[d]) + 1;
      const mean = (i: number, j: number): number => {
        let sum = 0;
        for (let a = 0; a < kernel[0]; a++)
          for (let b = 0; b < kernel[1]; b++)
            sum += u[i * stride[0] + a - padding[0]]?.[j * stride[1] + b - padding[1]] ?? 0;
        return sum / (kernel[0] * kernel[1]);
      };
      const [h, w] = [count(u.length, 0), count(u[0]?.length ?? 0, 1)];
      results.push(Array.from({ length: h }, (_, i) => Array.from({ length: w }, (_, j) => mean(i, j))));
    } else results.push([]);
  }
  return results;
}

describe('twoPaths', () => {
  it('halves the channels per path and norms what is joined', () => {
    const graph = graphOf(twoPaths, halving);
    expect(graph.shapes().at(-2)).toEqual([1, 8, 4, 4]);
    expect(graph.params.map(({ path, shape }) => [path, shape])).toEqual(
      expect.arrayContaining([
        ['p.conv0.weight', [4, 4, 1, 1]],
        ['p.conv1.weight', [4, 4, 1, 1]],
        ['p.bn.weight', [8]],
      ]),
    );
    expect(ops(graph)[0]).toBe('relu');
  });

  it.each([1, 2])('reads in its second path the pixels before those of the first, stride %i', (stride) => {
    const graph = graphOf(twoPaths, { in: 2, out: 2, stride });
    const image = Array.from({ length: 8 }, (_, i) => Array.from({ length: 8 }, (_, j) => 1 + 8 * i + j));
    const all = values(graph, image);
    const read = (path: string): number[][] => {
      const conv = graph.nodes.find((node) => node.op === 'conv2d' && node.path === path);
      return (all[conv?.inputs[0] ?? 0] ?? []).map((row) => row.map((x) => Math.round(x * 1e9) / 1e9 + 0));
    };
    const at = (i: number, j: number): number => image[i]?.[j] ?? 0;
    const places = Array.from({ length: 8 / stride }, (_, i) => stride * i);
    expect(read('p.conv0')).toEqual(places.map((i) => places.map((j) => at(i, j))));
    expect(read('p.conv1')).toEqual(places.map((i) => places.map((j) => at(i - 1, j - 1))));
  });
});

describe('restarted', () => {
  it('starts a stage from P u + f(u) and P u', () => {
    const { steps, nodes } = network(thin);
    const border = steps.find(({ transition }) => transition);
    const [newest, older] = (border?.after ?? []).map((i) => nodes[i]);
    expect(newest?.op).toBe('lin');
    expect(older?.path).toBe('stage2.step0.shortcut.conv');
    expect(newest?.inputs[0]).toBe(border?.after[1]);
  });

  it('shares f’s first norm with a shortcut that is preactivated, and reads u where f has none', () => {
    const transition = restarted(preactivated(plainProjection));
    const read = (config: typeof thin): string => {
      const graph = network(config);
      const conv = graph.nodes.find(({ path }) => path.endsWith('step0.shortcut.conv'));
      return graph.nodes[conv?.inputs[0] ?? 0]?.path ?? '';
    };
    expect(read({ ...thin, transition })).toBe('stage2.step0.f0.relu1');
    expect(read({ ...thin, transition, scheme: euler, block: basic })).toBe('stage1.step2');
  });
});

describe('projectedHistory', () => {
  const scheme = linearTwoStep();
  const graph = network({ ...thin, scheme, transition: projectedHistory(scheme) });
  const border = graph.steps.find(({ transition }) => transition);

  it('takes the scheme’s own step with every state projected by its own norm and convolution', () => {
    const paths = graph.params.map(({ path }) => path);
    for (const place of ['shortcut', 'history1'])
      for (const layer of ['bn.weight', 'conv.weight'])
        expect(paths).toContain(`stage2.step0.${place}.${layer}`);
    expect(border?.params.map((i) => graph.params[i]?.path)).toEqual(['stage2.step0.k']);
    const lin = graph.nodes[border?.after[0] ?? 0];
    expect(lin?.inputs.map((i) => graph.nodes[i]?.path)).toEqual([
      'stage2.step0.shortcut.conv',
      'stage2.step0.history1.conv',
      'stage2.step0.f0.conv2',
    ]);
  });

  it('evaluates f at the state before, with the new stage’s stride', () => {
    expect(border?.fields.map(({ input }) => input)).toEqual([border?.before[0]]);
  });

  it('takes other maps, and schemes of any number of steps', () => {
    const three = threeStep();
    const options = { shortcut: plainProjection, older: plainProjection };
    const net = network({ ...thin, scheme: three, transition: projectedHistory(three, options) });
    const paths = net.params.map(({ path }) => path);
    expect(paths).toContain('stage2.step0.history2.conv.weight');
    expect(paths.filter((path) => /history\d\.bn/.test(path))).toEqual([]);
  });

  it('gives schemes of several f their others in the new stage, and refuses one f evaluated in between', () => {
    const over = (share: boolean): Graph => {
      const heun = rungeKutta('heun', { share });
      return network({ ...thin, scheme: heun, transition: projectedHistory(heun) });
    };
    const second = over(false).params.find(({ path }) => path === 'stage2.step0.f1.conv1.weight');
    expect(second?.shape).toEqual([8, 8, 3, 3]);
    expect(thrown(() => over(true)).code).toBe('ERR_GRAPH');
  });
});

describe('halvesTransition', () => {
  it.each([pooledPadding, plainProjection])('steps between stages on channel halves', (shortcut) => {
    const graph = network({ ...thin, scheme: reversible, transition: halvesTransition(shortcut) });
    const border = graph.steps.find(({ transition }) => transition);
    const shapes = graph.shapes();
    expect(border?.after.map((i) => shapes[i])).toEqual([
      [1, 4, 4, 4],
      [1, 4, 4, 4],
    ]);
    expect(border?.fields).toHaveLength(2);
    expect(border?.fields[1]?.input).toBe(border?.after[0]);
    expect(graph.steps.filter(({ inverse }) => inverse !== undefined)).toHaveLength(5);
  });
});

describe('reduction', () => {
  it('refuses a width that its paths do not make', () => {
    const transition: Transition = reduction('A', { factor: 1 / 16 });
    const stages = [
      { width: 4, steps: 1, stride: 1 },
      { width: 70, steps: 1, stride: 2 },
    ];
    expect(thrown(() => network({ ...thin, stages, transition })).code).toBe('ERR_CONFIG');
  });
});

describe('fb.resnet.torch’s form', () => {
  const step = (name: 'preact_resnet20' | 'preact_resnet18' | 'preact_resnet50'): string[] => {
    const graph = preset(name, { shortcut: 'B' });
    const [first] = graph.steps;
    const lin = graph.nodes[first?.after[0] ?? 0];
    return (lin?.inputs ?? []).map((i) => graph.nodes[i]?.path ?? '');
  };

  it('adds f of the first CIFAR unit to what its norm-relu made', () => {
    expect(step('preact_resnet20')).toEqual(['stage1.step0.f0.relu1', 'stage1.step0.f0.conv2']);
  });

  it('leaves out the norm of the first ImageNet unit, whose stem ends in one', () => {
    expect(step('preact_resnet18')).toEqual(['stem.pool', 'stage1.step0.f0.conv2']);
    expect(step('preact_resnet50')).toEqual(['stage1.step0.shortcut.conv', 'stage1.step0.f0.conv3']);
    const paths = preset('preact_resnet50').params.map(({ path }) => path);
    expect(paths).not.toContain('stage1.step0.f0.bn1.weight');
    expect(paths).toContain('stage1.step1.f0.bn1.weight');
  });
});
