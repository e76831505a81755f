/** SGD and the order of the samples, on a linear model that is trained in plain TypeScript beside it. */
import { describe, expect, it } from 'vitest';
import { globalAvgPool } from '../../../src/graph/functions.ts';
import { trace } from '../../../src/graph/graph.ts';
import type { NativeModel, NativeSource } from '../../../src/native/binding.ts';
import { linear } from '../../../src/nn/layers.ts';
import { addon } from '../../support/addon.ts';
import { codeOf } from '../../support/failures.ts';
import { uniform } from '../../support/graphs/formula.ts';
import { trainingLoader } from '../../support/loader.ts';
import { chunkTable, nativeModel, plainInput, randomTensors, writeAll } from '../../support/natives.ts';
import { crossEntropy, crossEntropyGradient, mean } from '../../support/softmax.ts';
import { distance } from '../../support/tensor.ts';

const [count, channels, classes] = [10, 3, 4];
const graph = trace('linear', plainInput(channels, 1, 1), (s, x) =>
  linear(s, { in: channels, out: classes })(globalAvgPool(x)),
);
const images = Uint8Array.from(uniform('images', count * channels), (r) => 256 * r);
const labels = Int32Array.from({ length: count }, (_, i) => (3 * i) % classes);
const features = Array.from({ length: count }, (_, i) =>
  Array.from(images.slice(channels * i, channels * (i + 1)), (p) => p / 255),
);

function source(): NativeSource {
  return new (addon().Source)({ kind: 'memory', images, labels, height: 1, width: 1, channels });
}

async function startModel(): Promise<NativeModel> {
  const model = nativeModel(graph);
  await writeAll(model, randomTensors(graph));
  return model;
}

interface Weights {
  readonly weight: readonly number[];
  readonly bias: readonly number[];
}

const start: Weights = (() => {
  const all = randomTensors(graph);
  const of = (name: string): number[] => Array.from(all.get(name)?.data ?? []);
  return { weight: of('weight'), bias: of('bias') };
})();

const logitsOf = ({ weight, bias }: Weights, i: number): number[] =>
  bias.map((b, o) => (features[i] ?? []).reduce((sum, x, c) => sum + x * (weight[o * channels + c] ?? 0), b));

/** Gradient of the mean loss over all samples. */
function gradientOf(weights: Weights): Weights {
  const rows = features.map((_, i) => crossEntropyGradient(logitsOf(weights, i), labels[i] ?? 0));
  const by = (o: number): number[] => rows.map((row) => row[o] ?? 0);
  const over = (o: number, c: number): number => mean(by(o).map((g, i) => g * (features[i]?.[c] ?? 0)));
  return {
    weight: start.weight.map((_, j) => over(Math.floor(j / channels), j % channels)),
    bias: start.bias.map((_, o) => mean(by(o))),
  };
}

interface Rule {
  readonly nesterov: boolean;
  readonly momentum: number;
  readonly decay: number;
  readonly lrScale: readonly [number, number];
  readonly decayScale: readonly [number, number];
}

interface Moving {
  readonly value: number;
  readonly speed: number;
}

/** One number's step: SGD with momentum as Sutskever et al. and PyTorch have it. */
function stepped({ value, speed }: Moving, gradient: number, lr: number, decay: number, rule: Rule): Moving {
  const g = gradient + decay * value;
  const next = rule.momentum * speed + g;
  return { value: value - lr * (rule.nesterov ? g + rule.momentum * next : next), speed: next };
}

const rates = [0.5, 0.1, 1, 0.3];

function trained(rule: Rule): Weights {
  const still = (values: readonly number[]): Moving[] => values.map((value) => ({ value, speed: 0 }));
  let state = { weight: still(start.weight), bias: still(start.bias) };
  const values = (of: typeof state): Weights => ({
    weight: of.weight.map(({ value }) => value),
    bias: of.bias.map(({ value }) => value),
  });
  for (const lr of rates) {
    const gradient = gradientOf(values(state));
    const move = (name: keyof Weights, group: 0 | 1): Moving[] =>
      state[name].map((of, i) =>
        stepped(
          of,
          gradient[name][i] ?? 0,
          lr * rule.lrScale[group],
          rule.decay * rule.decayScale[group],
          rule,
        ),
      );
    state = { weight: move('weight', 0), bias: move('bias', 1) };
  }
  return values(state);
}

const plain = { nesterov: false, momentum: 0, decay: 0, lrScale: [1, 1], decayScale: [1, 1] } as const;
const rules: readonly (readonly [string, Rule])[] = [
  ['alone', plain],
  ['with momentum', { ...plain, momentum: 0.9 }],
  ["with Nesterov's momentum", { ...plain, momentum: 0.8, nesterov: true }],
  ['with Nesterov but a momentum of 0', { ...plain, nesterov: true }],
  ['with weight decay', { ...plain, decay: 0.2 }],
  ['with weight decay on one group', { ...plain, decay: 0.2, momentum: 0.9, decayScale: [1, 0] }],
  [
    'with factors on rate and decay',
    { nesterov: true, momentum: 0.7, decay: 0.1, lrScale: [0.5, 2], decayScale: [3, 0.5] },
  ],
  ['with a group that stands still', { ...plain, momentum: 0.9, lrScale: [1, 0] }],
];

describe('SGD', () => {
  it.each(rules)('%s follows its formula over several steps', async (_, rule) => {
    const model = await startModel();
    const groups = [0, 1].map((group) => ({
      params: [graph.params.findIndex(({ path }) => path === (group === 0 ? 'weight' : 'bias'))],
      lrScale: rule.lrScale[group] ?? 1,
      decayScale: rule.decayScale[group] ?? 1,
    }));
    const optimizer = { kind: 'sgd', nesterov: rule.nesterov, groups } as const;
    const trainer = new (addon().Trainer)(model, source(), {
      loader: trainingLoader({ height: 1, width: 1, channels }, count, 0),
      seed: 0,
      optimizer,
    });
    const table = chunkTable(rates.map((lr) => ({ lr, momentum: rule.momentum, weightDecay: rule.decay })));
    const { losses, steps, samples, correct1 } = await trainer.run({ first: 0, table });
    const wanted = trained(rule);
    for (const name of ['weight', 'bias'] as const)
      expect(distance(await model.readTensor(name, 'value'), wanted[name]), name).toBeLessThan(1e-12);
    expect([steps, samples]).toEqual([rates.length, rates.length * count]);
    const first = mean(features.map((_, i) => crossEntropy(logitsOf(start, i), labels[i] ?? 0)));
    expect(distance([losses[0] ?? 0], [first])).toBeLessThan(1e-12);
    expect(correct1).toBeLessThanOrEqual(samples);
  });

  it('leaves parameters that no group names alone', async () => {
    const model = await startModel();
    const optimizer = { kind: 'sgd', nesterov: false, groups: [] } as const;
    const trainer = new (addon().Trainer)(model, source(), {
      loader: trainingLoader({ height: 1, width: 1, channels }, count, 0),
      seed: 0,
      optimizer,
    });
    await trainer.run({ first: 0, table: chunkTable([{ lr: 1, momentum: 0.9, weightDecay: 0.1 }]) });
    expect(Array.from(await model.readTensor('weight', 'value'))).toEqual(start.weight);
  });

  it.each([
    ['an optimiser that is none', { kind: 'adam', nesterov: false, groups: [] }, 'ERR_CONFIG'],
    [
      'a parameter that is not there',
      { kind: 'sgd', nesterov: false, groups: [{ params: [2], lrScale: 1, decayScale: 1 }] },
      'ERR_CONFIG',
    ],
    [
      'parameter -1',
      { kind: 'sgd', nesterov: false, groups: [{ params: [-1], lrScale: 1, decayScale: 1 }] },
      'ERR_CONFIG',
    ],
    ['no groups', { kind: 'sgd', nesterov: false }, 'ERR_GRAPH'],
  ])('refuses %s', async (_, optimizer, code) => {
    const model = await startModel();
    const make = (): unknown =>
      new (addon().Trainer)(model, source(), {
        loader: trainingLoader({ height: 1, width: 1, channels }, 2, 0),
        seed: 0,
        optimizer: optimizer as never,
      });
    expect(await codeOf(() => void make())).toBe(code);
  });
});

/** Which samples the steps of an epoch read: with one per step and a rate of 0, each loss tells. */
async function order(seed: number, epoch: number): Promise<number[]> {
  const own = features.map((_, i) => crossEntropy(logitsOf(start, i), labels[i] ?? 0));
  const optimizer = { kind: 'sgd', nesterov: false, groups: [] } as const;
  const trainer = new (addon().Trainer)(await startModel(), source(), {
    loader: trainingLoader({ height: 1, width: 1, channels }, 1, seed),
    seed,
    optimizer,
  });
  const { losses } = await trainer.run({ first: epoch * count, table: chunkTable(Array(count).fill({})) });
  return Array.from(losses, (loss) => own.findIndex((of) => Math.abs(of - loss) < 1e-9));
}

describe('the order of samples', () => {
  it('has each sample once in every epoch', async () => {
    for (const epoch of [0, 1, 2, 1000])
      expect((await order(3, epoch)).toSorted((a, b) => a - b)).toEqual(features.map((_, i) => i));
  });

  it('differs between epochs and between seeds, and is the same for the same two', async () => {
    const orders = await Promise.all([order(3, 0), order(3, 1), order(4, 0), order(4, 1)]);
    expect(new Set(orders.map(String)).size).toBe(4);
    expect(await order(3, 1)).toEqual(orders[1]);
  });

  it('does not depend on the batch, and drops the tail that fills none', async () => {
    const optimizer = { kind: 'sgd', nesterov: false, groups: [] } as const;
    const trainer = new (addon().Trainer)(await startModel(), source(), {
      loader: trainingLoader({ height: 1, width: 1, channels }, 3, 3),
      seed: 3,
      optimizer,
    });
    expect(trainer.stepsPerEpoch).toBe(3);
    const { losses } = await trainer.run({ first: 0, table: chunkTable(Array(6).fill({})) });
    const own = features.map((_, i) => crossEntropy(logitsOf(start, i), labels[i] ?? 0));
    const wanted = (await Promise.all([0, 1].map((epoch) => order(3, epoch)))).flatMap((samples) =>
      [0, 3, 6].map((at) => mean(samples.slice(at, at + 3).map((i) => own[i] ?? 0))),
    );
    expect(distance(losses, wanted)).toBeLessThan(1e-12);
  });
});
