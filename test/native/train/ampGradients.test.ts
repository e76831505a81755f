/**
 * Gradients in mixed precision, layer by layer, beside float64's: through a whole network the signs that
 * rounding changes in front of a ReLU count for more than the rounding of any layer (docs/performance.md).
 */
import { describe, expect, it } from 'vitest';
import { minus } from '../../../src/graph/coefficients.ts';
import * as fn from '../../../src/graph/functions.ts';
import { type Graph, trace } from '../../../src/graph/graph.ts';
import { constant, heNormal, normal, uniform } from '../../../src/graph/inits.ts';
import type { Node } from '../../../src/graph/node.ts';
import type { Scope } from '../../../src/graph/scope.ts';
import type { Amp, Dtype } from '../../../src/native/binding.ts';
import { nativeModel, plainInput } from '../../support/natives.ts';
import { nhwc, random } from '../../support/tensor.ts';

type Layer = (s: Scope, u: Node) => Node;

interface Convolution {
  readonly out: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly groups?: number;
}

const conv =
  ({ out, kernel, stride = 1, groups = 1 }: Convolution): Layer =>
  (s, u) => {
    const shape = [out, u.channels / groups, kernel, kernel];
    const weight = s.param('weight', shape, heNormal(shape), { kind: 'weight' });
    return fn.conv2d(u, weight, { stride, padding: kernel >> 1, groups });
  };
const norm: Layer = (s, u) => {
  const c = u.channels;
  const running = { runningMean: s.buffer('mean', [c], 0), runningVar: s.buffer('var', [c], 1) };
  const affine = { weight: s.param('weight', [c], constant(1)), bias: s.param('bias', [c], constant(0)) };
  return fn.batchNormApply(u, fn.batchNormStats(u, running), affine);
};
/** relu(norm u), then a convolution: what steps before activation are made of. */
const unit =
  (of: Convolution): Layer =>
  (s, u) =>
    conv(of)(s.at('conv'), fn.relu(norm(s.at('bn'), u)));

/** A layer, the channels of its input, and its size. */
const layers: Readonly<Record<string, readonly [layer: Layer, channels: number, size: number]>> = {
  'stem of CIFAR': [conv({ out: 16, kernel: 3 }), 3, 16],
  'stem of ImageNet': [conv({ out: 64, kernel: 7, stride: 2 }), 3, 32],
  'stem of one channel': [conv({ out: 16, kernel: 3 }), 1, 14],
  'basic, 16 channels': [unit({ out: 16, kernel: 3 }), 16, 16],
  'basic, 64 channels': [unit({ out: 64, kernel: 3 }), 64, 8],
  'basic, where a stage begins': [unit({ out: 32, kernel: 3, stride: 2 }), 16, 16],
  'shortcut, where a stage begins': [unit({ out: 32, kernel: 1, stride: 2 }), 16, 16],
  'bottleneck, narrow': [unit({ out: 16, kernel: 1 }), 64, 8],
  'bottleneck, wide': [unit({ out: 64, kernel: 1 }), 16, 8],
  'ResNeXt, 32 groups of 4': [unit({ out: 128, kernel: 3, groups: 32 }), 128, 8],
  'ResNeXt, where a stage begins': [unit({ out: 128, kernel: 3, stride: 2, groups: 8 }), 128, 8],
  'odd channels and sizes': [conv({ out: 24, kernel: 7 }), 20, 9],
  'norm behind a convolution': [(s, u) => norm(s, conv({ out: 16, kernel: 1 })(s.at('conv'), u)), 16, 8],
  'two-step combination': [
    (s, u) => {
      const k = s.param('k', [1], uniform(-0.1, 0));
      return fn.lin([minus(1, k), u], [k, fn.relu(u)], [1, conv({ out: 16, kernel: 3 })(s, u)]);
    },
    16,
    8,
  ],
  'largest and average of windows': [
    (s, u) => {
      const y = conv({ out: 16, kernel: 1 })(s, fn.maxPool2d(u, { kernel: 3, stride: 2, padding: 1 }));
      return fn.avgPool2d(y, { kernel: 2, stride: 2 });
    },
    16,
    8,
  ],
  head: [
    (s, u) => {
      const shape = [10, u.channels];
      return fn.linear(
        fn.globalAvgPool(u),
        s.param('weight', shape, normal(0.1), { kind: 'weight' }),
        s.param('bias', [10], constant(0)),
      );
    },
    64,
    8,
  ],
};

/** With the 8 binary digits of bfloat16. */
function inHalf(value: number): number {
  const step = 2 ** (Math.floor(Math.log2(Math.abs(value))) - 7);
  return Math.round(value / step) * step;
}

/** By path, and of the input. */
async function gradientsOf(graph: Graph, dtype: Dtype, amp: Amp): Promise<Map<string, Float64Array>> {
  const model = nativeModel(graph, dtype);
  const { channels, height, width } = graph.input;
  const n = 4;
  const { shape, data } = random('x', [n, channels, height, width]);
  const x = { shape, data: data.map(inHalf) };
  const options = { training: true, amp };
  const { output } = await model.vjp(nhwc(x), n, height, width, null, options);
  const cotangent = random('cotangent', [output.data.length]).data;
  const { inputGradient } = await model.vjp(nhwc(x), n, height, width, cotangent, options);
  const found = new Map([['input', Float64Array.from(inputGradient?.data ?? [])]]);
  for (const { path } of graph.params)
    found.set(path, Float64Array.from(await model.readTensor(path, 'gradient')));
  return found;
}

const dot = (a: Float64Array, b: Float64Array): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? Number.NaN), 0);
const cosine = (a: Float64Array, b: Float64Array): number => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));

describe('a layer in bfloat16', () => {
  it.each(Object.entries(layers))(
    'has the gradients of float64, to a cosine of 0.999: %s',
    async (name, [layer, channels, size]) => {
      const graph = trace(name, plainInput(channels, size, size), layer);
      const [found, wanted] = [
        await gradientsOf(graph, 'float32', 'bfloat16'),
        await gradientsOf(graph, 'float64', 'none'),
      ];
      expect(found.size).toBe(graph.params.length + 1);
      for (const [path, gradient] of found)
        expect(cosine(gradient, wanted.get(path) ?? gradient.fill(0)), path).toBeGreaterThan(0.999);
    },
  );
});
