/** What lm-check --profile says that the pieces of a step move and compute, against counts by hand. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import * as fn from '../../../src/graph/functions.ts';
import { type Graph, trace } from '../../../src/graph/graph.ts';
import { constant, normal } from '../../../src/graph/inits.ts';
import type { Node, Param } from '../../../src/graph/node.ts';
import { summary } from '../../../src/graph/summary.ts';
import { network } from '../../../src/models/network.ts';
import { runProgram } from '../../support/children.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { thinNet } from '../../support/graphs/thinNets.ts';
import { plainInput } from '../../support/natives.ts';

interface Row {
  readonly stage: string;
  readonly name: string;
  readonly path?: string;
  readonly share: number;
  readonly pieces: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly flops: number;
  readonly boundMs: number;
}

interface Profile {
  readonly machine: { readonly copyGBs: number; readonly GFLOPs: number; readonly threads: number };
  readonly kinds: readonly Row[];
  readonly stages: readonly Row[];
  readonly pieces?: readonly Row[];
  readonly sum: Row;
}

const program = fileURLToPath(new URL('../../../build/Release/lm-check', import.meta.url));

async function profileOf(graph: Graph, ...words: string[]): Promise<{ profile: Profile; table: string }> {
  const file = join(await temporaryFolder(), 'graph.json');
  await writeFile(file, JSON.stringify(graph.toSpec()));
  const sizes = ['--batch', '2', '--size', String(graph.input.height), '--steps', '2', '--lr', '0.01'];
  const { code, stdout, stderr } = await runProgram(program, [file, ...sizes, '--profile', ...words]);
  expect(code, stderr).toBe(0);
  return { profile: JSON.parse(stdout) as Profile, table: stderr };
}

/** a = conv x; b = relu(norm a); d = conv b + k a, pooled, averaged, classified: a has two readers. */
const small = trace('small', plainInput(3, 8, 8), (s, x) => {
  const conv = (name: string, u: Node, out: number): Node =>
    fn.conv2d(u, s.param(name, [out, u.channels, 3, 3], normal(0.2), { kind: 'weight' }), { padding: 1 });
  const a = conv('conv1', x, 4);
  const stats = fn.batchNormStats(a, {
    runningMean: s.buffer('mean', [4], 0),
    runningVar: s.buffer('var', [4], 1),
  });
  const affine = { weight: s.param('weight', [4], constant(1)), bias: s.param('bias', [4], constant(0)) };
  const b = fn.relu(fn.batchNormApply(a, stats, affine));
  const d = fn.lin([1, conv('conv2', b, 4)], [s.param('k', [1], constant(0.5)), a]);
  const g = fn.globalAvgPool(fn.maxPool2d(d, { kernel: 2, stride: 2 }));
  return fn.linear(g, s.param('fc', [5, 4], normal(0.2)), s.param('fcBias', [5], constant(0)));
});

// Numbers in 2 images of 3 channels of 8 x 8, of 4 channels, and of these pooled; weights of all; statistics.
const [X, E, Q, P, B] = [384, 512, 128, 108 + 8 + 144 + 1 + 20 + 5, 8];

/** Stage and name: read and written in numbers of 4 bytes (indices count twice), and operations. */
const byHand: Readonly<Record<string, readonly [read: number, written: number, flops: number]>> = {
  'forward conv2d': [X + 108 + (E + 144), E + E, 2 * E * 27 + 2 * E * 36],
  'forward batchNormRelu': [E + 8 + 8, E + 8 + 8, 7 * E],
  'forward lin': [2 * E + 1, E, 3 * E],
  'forward maxPool2d': [E, Q + 2 * Q, 3 * Q],
  'forward globalAvgPool': [Q, 8, Q],
  'forward linear': [8 + 25, 10, 2 * 10 * 4 + 10],
  'backward linear': [10 + 8 + 25 + 25, 8 + 25, 2 * 2 * 10 * 4 + 10],
  'backward globalAvgPool': [8, Q, 8],
  'backward maxPool2d': [Q + 2 * Q, E, Q],
  'backward lin': [E + E + 1 + 1, E + 1, (1 + 2) * E],
  // That of x is wanted by nobody.
  'backward conv2d': [2 * E + 144 + 144 + (E + X + 108), E + 144 + 108, 2 * 2 * E * 36 + 2 * E * 27],
  // For the gradient of the weights behind it.
  'backward batchNormRelu, again': [E + 8 + 8, E, 3 * E],
  // It adds to what the combination gave.
  'backward batchNormRelu': [3 * E + 8 + 8 + 8, E + 8, (8 + 4 + 1) * E],
  'backward coefficients': [0, 0, 0],
  'prepare prepare': [X / 4 + B, X + P + B, 2 * X],
  'loss loss': [10, 10, 50],
  'check check': [P + B, 0, P + B],
  'update update': [3 * P + 2 * B, 2 * P + B, 4 * P],
};

const numbers = (row: Row | undefined): number[] => [
  (row?.bytesRead ?? 0) / 4,
  (row?.bytesWritten ?? 0) / 4,
  row?.flops ?? 0,
];
const sumOf = (rows: readonly Row[]): number[] =>
  [0, 1, 2].map((i) => rows.reduce((sum, row) => sum + (numbers(row)[i] ?? 0), 0));

describe('a profile of a small network', () => {
  let once: ReturnType<typeof profileOf> | undefined;
  const profiled = (): ReturnType<typeof profileOf> => {
    once ??= profileOf(small, '--each');
    return once;
  };

  it('has a row for every kind of piece, forward and backward apart', async () => {
    const { profile } = await profiled();
    expect(profile.kinds.map(({ stage, name }) => `${stage} ${name}`).toSorted()).toEqual(
      Object.keys(byHand).toSorted(),
    );
  });

  it.each(Object.entries(byHand))('counts what %s reads, writes and computes', async (kind, counts) => {
    const { profile } = await profiled();
    const row = profile.kinds.find(({ stage, name }) => `${stage} ${name}` === kind);
    expect(numbers(row)).toEqual(counts);
  });

  it('has the same in sum by kind, by stage and piece by piece', async () => {
    const { kinds, stages, pieces = [], sum } = (await profiled()).profile;
    expect(pieces).toHaveLength(kinds.reduce((count, row) => count + row.pieces, 0));
    for (const rows of [kinds, stages, pieces]) {
      expect(sumOf(rows)).toEqual(numbers(sum));
      expect(rows.reduce((share, row) => share + row.share, 0)).toBeCloseTo(1, 2);
    }
  });

  it('names the layers one by one, and prints the same rows for people', async () => {
    const { profile, table } = await profiled();
    const convolutions = profile.pieces?.filter(({ name }) => name === 'conv2d') ?? [];
    expect(convolutions.map(({ flops }) => flops)).toEqual([2 * E * 27, 2 * E * 36, 4 * E * 36, 2 * E * 27]);
    for (const { name, path = '' } of profile.pieces ?? []) {
      expect(table).toContain(name);
      expect(table).toContain(path);
    }
  });

  it('bounds every piece by the rates of the machine that it measured', async () => {
    const { profile } = await profiled();
    const { copyGBs, GFLOPs, threads } = profile.machine;
    expect(threads).toBe(1);
    for (const row of profile.pieces ?? []) {
      const [copying, multiplying] = [(row.bytesRead + row.bytesWritten) / copyGBs, row.flops / GFLOPs];
      expect(row.boundMs * 1e6).toBeCloseTo(Math.max(copying, multiplying), -1);
    }
  });
});

describe('a profile', () => {
  it('counts a convolution and the norm that it reads through as one', async () => {
    const graph = trace('through', plainInput(3, 8, 8), (s, x) => {
      const weight = (name: string, inputs: number): Param =>
        s.param(name, [16, inputs, 3, 3], normal(0.2), { kind: 'weight' });
      const a = fn.conv2d(x, weight('conv1', 3), { padding: 1 });
      const stats = fn.batchNormStats(a, {
        runningMean: s.buffer('mean', [16], 0),
        runningVar: s.buffer('var', [16], 1),
      });
      const affine = {
        weight: s.param('weight', [16], constant(1)),
        bias: s.param('bias', [16], constant(0)),
      };
      const b = fn.relu(fn.batchNormApply(a, stats, affine));
      const d = fn.globalAvgPool(fn.conv2d(b, weight('conv2', 16), { padding: 1 }));
      return fn.linear(d, s.param('fc', [5, 16], normal(0.2)));
    });
    const { kinds } = (await profileOf(graph)).profile;
    const counts = (stage: string): number[] =>
      numbers(kinds.find((row) => row.stage === stage && row.name === 'normConv2d'));
    const [maps, weights, products] = [2048, 2304 + 32, 2 * 2048 * 144];
    expect(counts('forward')).toEqual([maps + weights + 32, maps + 32 + 32, products + 7 * maps]);
    // Its input is read through the norm once more, for the gradient of the weights.
    const backward = 2 * products + (3 + 8 + 4) * maps;
    expect(counts('backward')).toEqual([2 * maps + 32 + 2 * weights, maps + weights, backward]);
  });

  it('counts the sum of gradients of what two convolutions read', async () => {
    const graph = trace('twice', plainInput(3, 8, 8), (s, x) => {
      const conv = (name: string, u: Node): Node =>
        fn.conv2d(u, s.param(name, [4, u.channels, 3, 3], normal(0.2), { kind: 'weight' }), { padding: 1 });
      const a = conv('conv1', x);
      const d = fn.globalAvgPool(fn.lin([1, conv('conv2', a)], [1, conv('conv3', a)]));
      return fn.linear(d, s.param('fc', [5, 4], normal(0.2)));
    });
    const { kinds } = (await profileOf(graph)).profile;
    expect(numbers(kinds.find(({ name }) => name === 'sum of gradients'))).toEqual([2 * E, E, E]);
  });

  it('counts half the bytes of what bfloat16 multiplies', async () => {
    const { profile } = await profileOf(small, '--amp', 'bfloat16');
    const row = profile.kinds.find(({ stage, name }) => stage === 'forward' && name === 'conv2d');
    const [read = 0, written = 0, flops] = byHand['forward conv2d'] ?? [];
    expect(numbers(row)).toEqual([read / 2, written / 2, flops]);
  });

  it('has the multiplications of the summary of a network, and makes values again where nothing is kept', async () => {
    const graph = network(thinNet('lm_resnet50'));
    const { profile } = await profileOf(graph, '--memory', 'recompute', '--off', 'take-norms');
    const macs = 2 * summary(graph).totals.macs; // of two images
    const forward = profile.kinds.filter(
      ({ stage, name }) => stage === 'forward' && /^(conv2d|linear)$/.test(name),
    );
    const bias = 2 * 5;
    expect(forward.reduce((sum, { flops }) => sum + flops, 0)).toBe(2 * macs + bias);
    expect(profile.kinds.map(({ name }) => name)).toContain('conv2d, again');
  });

  it.each([
    [
      ['--optimizer', 'adamw'],
      [4, 3],
    ],
    [
      ['--optimizer', 'lamb'],
      [7, 3],
    ],
    [
      ['--optimizer', 'lars'],
      [5, 2],
    ],
    [
      ['--momentum', '0'],
      [2, 1],
    ],
  ])('counts the state of the optimiser: %j', async (words, [read = 0, written = 0]) => {
    const { profile } = await profileOf(small, ...words);
    const row = profile.kinds.find(({ name }) => name === 'update');
    expect(numbers(row).slice(0, 2)).toEqual([read * P + 2 * B, written * P + B]);
  });
});
