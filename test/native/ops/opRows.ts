/** Every primitive operation with graphs that use it, and what they compute in plain TypeScript. */
import * as fn from '../../../src/graph/functions.ts';
import { constant } from '../../../src/graph/inits.ts';
import type { Node, Param } from '../../../src/graph/node.ts';
import type { OpName } from '../../../src/graph/ops.ts';
import { bernoulli, dropout, dropPath, gaussianNoise, mix } from '../../../src/graph/random.ts';
import type { Scope } from '../../../src/graph/scope.ts';
import type { Case, Named } from '../../support/graphs/cases.ts';
import * as ref from '../../support/reference.ts';
import type { Tensor } from '../../support/tensor.ts';
import { linRows } from './linRows.ts';

const weight = (s: Scope, shape: readonly number[], name = 'weight'): Param =>
  s.param(name, shape, constant(0), { kind: 'weight' });
const norm = (s: Scope, c: number): { weight: Param; bias: Param } => ({
  weight: weight(s, [c]),
  bias: weight(s, [c], 'bias'),
});
const running = (s: Scope, c: number): fn.StatsOptions => ({
  runningMean: s.buffer('mean', [c], 0),
  runningVar: s.buffer('var', [c], 1),
});
/** What an apply takes: of the batch in training, else the running ones. */
const statistics = (x: Tensor, named: Named, training: boolean): ref.Moments =>
  training ? ref.moments(x) : { mean: [...named('mean').data], variance: [...named('var').data] };
const affine = (named: Named): { weight: Tensor; bias: Tensor } => ({
  weight: named('weight'),
  bias: named('bias'),
});

interface ConvRow {
  readonly image: Case['image'];
  readonly shape: readonly [number, number, number, number];
  readonly stride?: readonly [number, number];
  readonly padding?: readonly [number, number];
  readonly groups?: number;
  readonly biased?: boolean;
}

function conv(what: string, { image, shape, biased = false, ...options }: ConvRow): Case {
  return {
    what,
    image,
    graph: (s, x) => {
      const bias = biased ? { bias: weight(s, [shape[0]], 'bias') } : {};
      return fn.conv2d(x, weight(s, shape), { ...options, ...bias });
    },
    value: (x, named) =>
      ref.conv2d(x, named('weight'), { ...options, ...(biased ? { bias: named('bias') } : {}) }),
  };
}

const pools = { avgPool2d: [fn.avgPool2d, ref.avgPool2d], maxPool2d: [fn.maxPool2d, ref.maxPool2d] } as const;

function pool(name: keyof typeof pools, what: string, image: Case['image'], window: ref.Window): Case {
  const [traced, value] = pools[name];
  return {
    what,
    image,
    graph: (_, x) => traced(x, window),
    value: (x) => value(x, { stride: window.kernel, ...window }),
  };
}

const halves = (x: Node): [Node, Node] => [fn.slice(x, 0, 2), fn.slice(x, 2, 4)];
const halvesOf = (x: Tensor): [Tensor, Tensor] => [ref.slice(x, 0, 2), ref.slice(x, 2, 4)];

export const opRows: Readonly<Record<OpName, readonly Case[]>> = {
  input: [
    { what: 'that is the output', image: [2, 3, 4, 5], graph: (_, x) => x, value: (x) => x },
    { what: 'of one channel', image: [1, 1, 3, 1], graph: (_, x) => x, value: (x) => x },
  ],
  conv2d: [
    conv('3x3, padded', { image: [2, 3, 5, 4], shape: [4, 3, 3, 3], padding: [1, 1] }),
    conv('3x3, stride 2, odd image', {
      image: [2, 2, 7, 5],
      shape: [3, 2, 3, 3],
      stride: [2, 2],
      padding: [1, 1],
    }),
    conv('1x1 with a bias', { image: [3, 2, 3, 3], shape: [4, 2, 1, 1], biased: true }),
    conv('1x7 with its padding', { image: [1, 2, 3, 9], shape: [2, 2, 1, 7], padding: [0, 3] }),
    conv('7x1 of one channel', { image: [2, 1, 8, 2], shape: [3, 1, 7, 1], padding: [3, 0], biased: true }),
    conv('2x3, stride 1x2', { image: [2, 2, 4, 6], shape: [2, 2, 2, 3], stride: [1, 2], padding: [0, 1] }),
    conv('in 2 groups', { image: [2, 4, 4, 4], shape: [6, 2, 3, 3], padding: [1, 1], groups: 2 }),
    conv('depthwise, with a bias', {
      image: [2, 3, 5, 5],
      shape: [3, 1, 3, 3],
      stride: [2, 2],
      padding: [1, 1],
      groups: 3,
      biased: true,
    }),
    conv('of one channel to one', { image: [2, 1, 4, 4], shape: [1, 1, 2, 2] }),
  ],
  batchNormStats: [
    {
      what: 'of other maps than they are applied to',
      image: [3, 4, 3, 2],
      graph: (s, x) => {
        const [a, b] = halves(x);
        return fn.batchNormApply(b, fn.batchNormStats(a, { ...running(s, 2), eps: 1e-2 }), norm(s, 2));
      },
      value: (x, named, training) => {
        const [a, b] = halvesOf(x);
        return ref.normalise(b, statistics(a, named, training), 1e-2, affine(named));
      },
    },
    {
      what: 'applied to two maps',
      image: [2, 4, 2, 3],
      graph: (s, x) => {
        const [a, b] = halves(x);
        const stats = fn.batchNormStats(a, running(s, 2));
        return fn.concat(fn.batchNormApply(a, stats), fn.batchNormApply(b, stats, norm(s, 2)));
      },
      value: (x, named, training) => {
        const [a, b] = halvesOf(x);
        const of = statistics(a, named, training);
        return ref.concat(ref.normalise(a, of, 1e-5), ref.normalise(b, of, 1e-5, affine(named)));
      },
    },
  ],
  batchNormApply: [
    ...(
      [
        [2, 3, 4, 3],
        [4, 1, 2, 2],
        [3, 5, 1, 1],
      ] as const
    ).map(
      (image): Case => ({
        what: `with weight and bias on [${image}]`,
        image,
        graph: (s, x) => fn.batchNormApply(x, fn.batchNormStats(x, running(s, image[1])), norm(s, image[1])),
        value: (x, named, training) => ref.normalise(x, statistics(x, named, training), 1e-5, affine(named)),
      }),
    ),
    {
      what: 'without, and an eps of 0.1',
      image: [2, 3, 3, 3],
      graph: (s, x) => fn.batchNormApply(x, fn.batchNormStats(x, { ...running(s, 3), eps: 0.1 })),
      value: (x, named, training) => ref.normalise(x, statistics(x, named, training), 0.1),
    },
    {
      what: 'and relu',
      image: [2, 3, 5, 3],
      graph: (s, x) => fn.relu(fn.batchNormApply(x, fn.batchNormStats(x, running(s, 3)), norm(s, 3))),
      value: (x, named, training) =>
        ref.relu(ref.normalise(x, statistics(x, named, training), 1e-5, affine(named))),
    },
    {
      what: 'and relu, without weight and bias, of a slice',
      image: [2, 4, 3, 3],
      graph: (s, x) =>
        fn.relu(fn.batchNormApply(fn.slice(x, 1, 3), fn.batchNormStats(fn.slice(x, 1, 3), running(s, 2)))),
      value: (x, named, training) => {
        const part = ref.slice(x, 1, 3);
        return ref.relu(ref.normalise(part, statistics(part, named, training), 1e-5));
      },
    },
  ],
  relu: [
    { what: 'of the input', image: [2, 3, 3, 2], graph: (_, x) => fn.relu(x), value: ref.relu },
    {
      what: 'of vectors',
      image: [3, 4, 2, 2],
      graph: (_, x) => fn.relu(fn.globalAvgPool(x)),
      value: (x) => ref.relu(ref.globalAvgPool(x)),
    },
  ],
  lin: linRows,
  avgPool2d: [
    pool('avgPool2d', '2x2', [2, 3, 4, 6], { kernel: [2, 2] }),
    pool('avgPool2d', '3x2, padded, stride 2x1, odd image', [2, 2, 7, 5], {
      kernel: [3, 2],
      stride: [2, 1],
      padding: [1, 1],
    }),
    pool('avgPool2d', 'of one channel that leaves a rest', [1, 1, 5, 5], { kernel: [2, 2] }),
  ],
  maxPool2d: [
    pool('maxPool2d', '2x2', [2, 3, 4, 6], { kernel: [2, 2] }),
    pool('maxPool2d', '3x3, padded, stride 2, odd image', [2, 2, 7, 5], {
      kernel: [3, 3],
      stride: [2, 2],
      padding: [1, 1],
    }),
    pool('maxPool2d', 'overlapping, of one channel', [2, 1, 4, 5], { kernel: [2, 3], stride: [1, 1] }),
  ],
  globalAvgPool: (
    [
      [2, 3, 4, 5],
      [1, 1, 3, 3],
      [3, 2, 1, 1],
    ] as const
  ).map(
    (image): Case => ({
      what: `of [${image}]`,
      image,
      graph: (_, x) => fn.globalAvgPool(x),
      value: ref.globalAvgPool,
    }),
  ),
  linear: [
    {
      what: 'with a bias',
      image: [3, 4, 2, 2],
      graph: (s, x) => fn.linear(fn.globalAvgPool(x), weight(s, [5, 4]), weight(s, [5], 'bias')),
      value: (x, named) => ref.linear(ref.globalAvgPool(x), named('weight'), named('bias')),
    },
    {
      what: 'without, of one feature',
      image: [2, 1, 2, 3],
      graph: (s, x) => fn.linear(fn.globalAvgPool(x), weight(s, [3, 1])),
      value: (x, named) => ref.linear(ref.globalAvgPool(x), named('weight')),
    },
  ],
  concat: [
    {
      what: 'of three maps, one of them twice',
      image: [2, 4, 3, 2],
      graph: (_, x) => fn.concat(fn.slice(x, 3, 4), x, fn.slice(x, 3, 4), x),
      value: (x) => ref.concat(ref.slice(x, 3, 4), x, ref.slice(x, 3, 4), x),
    },
    { what: 'of one', image: [1, 2, 2, 2], graph: (_, x) => fn.concat(x), value: (x) => x },
    {
      what: 'of vectors',
      image: [2, 3, 2, 2],
      graph: (_, x) => fn.concat(fn.globalAvgPool(x), fn.globalAvgPool(fn.relu(x))),
      value: (x) => ref.concat(ref.globalAvgPool(x), ref.globalAvgPool(ref.relu(x))),
    },
  ],
  slice: [
    {
      what: 'from the middle',
      image: [2, 5, 3, 2],
      graph: (_, x) => fn.slice(x, 1, 4),
      value: (x) => ref.slice(x, 1, 4),
    },
    {
      what: 'of a slice',
      image: [2, 5, 2, 2],
      graph: (_, x) => fn.slice(fn.slice(x, 1, 5), 2, 3),
      value: (x) => ref.slice(x, 3, 4),
    },
    {
      what: 'of vectors',
      image: [2, 3, 2, 2],
      graph: (_, x) => fn.slice(fn.globalAvgPool(x), 0, 2),
      value: (x) => ref.slice(ref.globalAvgPool(x), 0, 2),
    },
  ],
  padChannels: [
    {
      what: 'on both sides',
      image: [2, 3, 2, 3],
      graph: (_, x) => fn.padChannels(x, 2, 1),
      value: (x) => ref.padChannels(x, 2, 1),
    },
    { what: 'by nothing', image: [1, 2, 2, 2], graph: (_, x) => fn.padChannels(x, 0, 0), value: (x) => x },
  ],
  shift: [
    {
      what: 'down and right by one pixel',
      image: [2, 2, 3, 4],
      graph: (_, x) => fn.shift(x, [1, 1]),
      value: (x) => ref.shift(x, [1, 1]),
    },
    {
      what: 'up by two, of one channel',
      image: [1, 1, 4, 3],
      graph: (_, x) => fn.shift(x, [-2, 0]),
      value: (x) => ref.shift(x, [-2, 0]),
    },
  ],
  // Laws that draw nothing: what is drawn, test/native/run/random.test.ts tests.
  mix: [
    {
      what: 'of a branch that always stays',
      image: [2, 3, 2, 2],
      graph: (_, x) => mix([x], bernoulli({ keep: 1 })),
      value: (x) => x,
    },
    {
      what: 'of a branch that never stays',
      image: [2, 3, 2, 2],
      graph: (_, x) => fn.lin([1, x], [2, mix([x], bernoulli({ keep: 0, scale: 'test' }))]),
      value: (x) => x,
    },
    {
      what: 'of a dropped branch that another operation than lin reads',
      image: [1, 4, 2, 3],
      graph: (_, x) => fn.concat(mix([x], bernoulli({ keep: 0, scale: 'test' })), x),
      value: (x) => ref.concat({ ...x, data: x.data.map(() => 0) }, x),
    },
    {
      what: 'of columns that always stay',
      image: [2, 4, 2, 2],
      graph: (_, x) => mix(halves(x), dropPath({ drop: 0 })),
      value: (x) => {
        const [a, b] = halvesOf(x);
        return { ...a, data: a.data.map((v, i) => (v + (b.data[i] ?? 0)) / 2) };
      },
    },
  ],
  dropout: [{ what: 'of nothing', image: [2, 3, 2, 2], graph: (_, x) => dropout(x, 0), value: (x) => x }],
  gaussianNoise: [
    { what: 'without noise', image: [2, 3, 2, 2], graph: (_, x) => gaussianNoise(x, 0), value: (x) => x },
  ],
};
