/** What steps draw: laws of the weights, what a dropped branch costs, and gradients under one draw. */
import { describe, expect, it } from 'vitest';
import { conv2d, lin, relu, slice } from '../../../src/graph/functions.ts';
import { type Graph, trace } from '../../../src/graph/graph.ts';
import { constant } from '../../../src/graph/inits.ts';
import type { Node } from '../../../src/graph/node.ts';
import {
  bernoulli,
  dropout,
  dropPath,
  gaussianNoise,
  type MixLaw,
  mix,
  shake,
} from '../../../src/graph/random.ts';
import type { Scope } from '../../../src/graph/scope.ts';
import { norm } from '../../../src/nn/layers.ts';
import { nativeModel, plainInput, randomTensors, writeAll } from '../../support/natives.ts';
import { distance, nhwc, random, type Tensor } from '../../support/tensor.ts';

const size = 2;
const seeds = Array.from({ length: 400 }, (_, i) => i);
const graphOf = (channels: number, f: (s: Scope, x: Node) => Node): Graph =>
  trace('random', plainInput(channels, size, size), f);

/**
 * Weights that a law gives its branches, read off branches that are 1 in one place each:
 * [draw][image][branch].
 */
async function weights(law: MixLaw, branches: number, training: boolean, n = 1): Promise<number[][][]> {
  const graph = graphOf(branches, (s, x) => {
    const one = (i: number): Node => {
      const w = s.param(`pick${i}`, [branches, branches, 1, 1], constant(0), { kind: 'weight' });
      return conv2d(x, w);
    };
    return mix(
      Array.from({ length: branches }, (_, i) => one(i)),
      law,
    );
  });
  const model = nativeModel(graph);
  for (let i = 0; i < branches; i++) {
    const pick = new Float64Array(branches * branches);
    pick[i * branches + i] = 1; // branch i shows channel i alone
    await model.writeTensor(`pick${i}`, 'value', pick);
  }
  const ones = new Float64Array(n * branches * size * size).fill(1);
  return Promise.all(
    seeds.map(async (seed) => {
      const { output } = await model.vjp(ones, n, size, size, null, { training, seed });
      const at = (image: number, i: number): number => output.data[(image * branches + i) * size * size] ?? 0;
      return Array.from({ length: n }, (_, image) =>
        Array.from({ length: branches }, (_, i) => at(image, i)),
      );
    }),
  );
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe('a bernoulli gate', () => {
  it.each([
    { scale: 'train', stays: 1 / 0.7, evaluation: 1 },
    { scale: 'test', stays: 1, evaluation: 0.7 },
  ] as const)(
    'with its scale at $scale is $stays or 0 in training and $evaluation in evaluation',
    async (row) => {
      const law = bernoulli({ keep: 0.7, scale: row.scale });
      const drawn = (await weights(law, 1, true)).map(([[w = 0] = []]) => w);
      expect(new Set(drawn.map((w) => w.toFixed(12)))).toEqual(
        new Set([(0).toFixed(12), row.stays.toFixed(12)]),
      );
      // 400 draws: the part that stays has a deviation of 0.023.
      expect(Math.abs(mean(drawn.map((w) => (w > 0 ? 1 : 0))) - 0.7)).toBeLessThan(0.09);
      expect((await weights(law, 1, false)).flat(2)).toEqual(seeds.map(() => row.evaluation));
    },
  );

  it('draws for every image when asked', async () => {
    const drawn = await weights(bernoulli({ keep: 0.5, per: 'sample' }), 1, true, 4);
    expect(drawn.some((images) => new Set(images.flat()).size > 1)).toBe(true);
    expect(Math.abs(mean(drawn.flat(2)) - 1)).toBeLessThan(0.1);
  });
});

describe('shaking', () => {
  it('weighs two branches by alpha and 1 - alpha, uniform, and evenly in evaluation', async () => {
    const drawn = (await weights(shake({ per: 'batch' }), 2, true)).map(([w = []]) => w);
    for (const [a = 0, b = 0] of drawn) expect(a + b).toBeCloseTo(1, 12);
    const alphas = drawn.map(([a = 0]) => a);
    expect(Math.abs(mean(alphas) - 0.5)).toBeLessThan(0.06);
    expect(Math.abs(mean(alphas.map((a) => (a - 0.5) ** 2)) - 1 / 12)).toBeLessThan(0.015);
    expect((await weights(shake(), 2, false)).flat(2)).toEqual(seeds.flatMap(() => [0.5, 0.5]));
  });

  it.each(['same', 'uniform', 'even'] as const)(
    'lets the gradient see the weights of its law: %s',
    async (backward) => {
      const graph = graphOf(2, (_, x) =>
        mix([slice(x, 0, 1), slice(x, 1, 2)], shake({ backward, per: 'batch' })),
      );
      const model = nativeModel(graph);
      const x = Float64Array.of(1, 0, 1, 0, 1, 0, 1, 0); // the first branch is 1, the second 0
      const different = await Promise.all(
        seeds.slice(0, 50).map(async (seed) => {
          const cotangent = new Float64Array(4).fill(1);
          const { output, inputGradient } = await model.vjp(x, 1, 2, 2, cotangent, { training: true, seed });
          const [alpha = 0, beta = 0] = [output.data[0], inputGradient?.data[0]];
          expect((inputGradient?.data[4] ?? 0) + beta).toBeCloseTo(1, 12);
          if (backward === 'even') expect(beta).toBe(0.5);
          return Math.abs(alpha - beta) > 1e-9;
        }),
      );
      expect(different.some(Boolean)).toBe(backward !== 'same');
    },
  );
});

describe('drop-path', () => {
  it('averages the branches that stay, and at least one does', async () => {
    const drawn = (await weights(dropPath({ drop: 0.5 }), 3, true)).map(([w = []]) => w);
    for (const w of drawn) {
      const alive = w.filter((v) => v > 0);
      expect(alive.length).toBeGreaterThan(0);
      for (const v of alive) expect(v).toBeCloseTo(1 / alive.length, 12);
    }
    const all = mean(drawn.map((w) => (w.every((v) => v === 0 || v === 1) ? 1 : 0)));
    // One branch alone: 3 of 8 outcomes, and 1 of 8 revived.
    expect(Math.abs(all - 0.5)).toBeLessThan(0.1);
    expect((await weights(dropPath({ drop: 0.5 }), 4, false)).flat(2)).toEqual(
      seeds.flatMap(() => Array(4).fill(0.25)),
    );
  });

  it('keeps one and the same column at every join of a global step', async () => {
    const law = (columns: number[], group: string): MixLaw =>
      dropPath({ drop: 0, global: 1, columns, group });
    const graph = graphOf(3, (_, x) => {
      const parts = [0, 1, 2].map((i) => slice(x, i, i + 1));
      const [a, b, c] = parts as [Node, Node, Node];
      const all = mix([a, b, c], law([0, 1, 2], 'wide'));
      const two = mix([a, b], law([0, 1], 'narrow'));
      return lin([1, all], [100, two]);
    });
    const model = nativeModel(graph);
    const x = Float64Array.from({ length: 12 }, (_, i) => 1 + (i % 3)); // column i is i + 1
    const seen = await Promise.all(
      seeds.slice(0, 100).map(async (seed) => {
        const { output } = await model.vjp(x, 1, 2, 2, null, { training: true, seed });
        return output.data[0] ?? 0;
      }),
    );
    // A join that lacks the kept column is not read by the network; it yields its first branch.
    expect(new Set(seen)).toEqual(new Set([101, 202, 103]));
  });
});

describe('a dropped branch', () => {
  const graph = graphOf(2, (s, x) => {
    const f = norm(s.at('bn'), 2);
    return lin([1, x], [1, mix([f(x)], bernoulli({ keep: 0.5, group: 'gate' }))]);
  });

  it('is not computed: its statistics stay and its gradient is zero', async () => {
    const model = nativeModel(graph);
    const x = nhwc(random('x', [3, 2, 2, 2]));
    const cotangent = random('cotangent', [3, 2, 2, 2]).data;
    const outcomes = new Set<boolean>();
    for (const seed of seeds.slice(0, 20)) {
      const { output } = await model.vjp(x, 3, 2, 2, cotangent, { training: true, seed });
      const dropped = distance(output.data, random('x', [3, 2, 2, 2]).data) === 0;
      outcomes.add(dropped);
      const gradient = await model.readTensor('bn.weight', 'gradient');
      expect(gradient.every((g) => g === 0)).toBe(dropped);
    }
    expect(outcomes).toEqual(new Set([true, false]));
  });
});

describe('elementwise noise', () => {
  it('drops the part p of the elements and scales the rest, and does nothing in evaluation', async () => {
    const model = nativeModel(graphOf(2, (_, x) => dropout(x, 0.25)));
    const ones = new Float64Array(2 * 2 * 64).fill(1);
    const { output } = await model.vjp(ones, 2, 8, 8, null, { training: true, seed: 1 });
    expect(new Set(output.data)).toEqual(new Set([0, 1 / 0.75]));
    expect(Math.abs(mean([...output.data]) - 1)).toBeLessThan(0.15);
    expect((await model.vjp(ones, 2, 8, 8, null, { training: false })).output.data).toEqual(ones);
  });

  it('adds normal numbers of its deviation', async () => {
    const model = nativeModel(graphOf(2, (_, x) => gaussianNoise(x, 0.5)));
    const zeros = new Float64Array(2 * 2 * 1024);
    const { output } = await model.vjp(zeros, 2, 32, 32, null, { training: true, seed: 1 });
    const values = [...output.data];
    expect(Math.abs(mean(values))).toBeLessThan(0.03);
    expect(Math.abs(Math.sqrt(mean(values.map((v) => v * v))) - 0.5)).toBeLessThan(0.02);
  });
});

describe.each([
  { name: 'a gate per image', f: (x: Node) => mix([relu(x)], bernoulli({ keep: 0.5, per: 'sample' })) },
  { name: 'shaking', f: (x: Node) => mix([relu(x), x], shake({ backward: 'same' })) },
  {
    name: 'drop-path',
    f: (x: Node) => mix([relu(x), x, lin([2, x])], dropPath({ drop: 0.4, per: 'sample' })),
  },
  { name: 'dropout', f: (x: Node) => dropout(relu(x), 0.4) },
  { name: 'gaussian noise', f: (x: Node) => relu(gaussianNoise(x, 0.3)) },
])('$name', ({ f }) => {
  it('has the gradient of what it drew, and draws the same again for the same seed', async () => {
    const graph = graphOf(2, (s, x) => norm(s.at('bn'), 2)(f(x)));
    const model = nativeModel(graph);
    await writeAll(model, randomTensors(graph));
    const x = random('x', [3, 2, 2, 2]);
    const cotangent = random('cotangent', [3, 2, 2, 2]).data;
    const run = (at: Tensor): Promise<Float64Array> =>
      model.vjp(nhwc(at), 3, 2, 2, null, { training: true, seed: 5 }).then(({ output }) => output.data);
    expect(await run(x)).toEqual(await run(x));
    const { inputGradient } = await model.vjp(nhwc(x), 3, 2, 2, cotangent, { training: true, seed: 5 });
    const moved = async (i: number, by: number): Promise<number> => {
      const data = Float64Array.from(x.data, (v, j) => (j === i ? v + by : v));
      const out = await run({ ...x, data });
      return out.reduce((sum, v, j) => sum + v * (cotangent[j] ?? 0), 0);
    };
    const h = 1e-5;
    const slopes = await Promise.all(
      Array.from(x.data, async (_, i) => ((await moved(i, h)) - (await moved(i, -h))) / (2 * h)),
    );
    expect(distance(inputGradient?.data ?? [], slopes)).toBeLessThan(1e-6);
  });
});
