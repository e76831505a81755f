/** Steps of several batches, and clipped gradients. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { globalAvgPool, lin } from '../../../src/graph/functions.ts';
import { type Graph, trace } from '../../../src/graph/graph.ts';
import type { Node } from '../../../src/graph/node.ts';
import { bernoulli, dropout, gaussianNoise, mix, shake } from '../../../src/graph/random.ts';
import { network } from '../../../src/models/network.ts';
import type {
  NativeModel,
  NativeStepTable,
  NativeTrainer,
  NativeTrainerSpec,
} from '../../../src/native/binding.ts';
import { conv, linear } from '../../../src/nn/layers.ts';
import { optimizerSpec } from '../../../src/train/optimizer/spec.ts';
import { trainSchema } from '../../../src/train/options.ts';
import { addon } from '../../support/addon.ts';
import { codeOf } from '../../support/failures.ts';
import { uniform } from '../../support/graphs/formula.ts';
import { thin } from '../../support/graphs/nets.ts';
import { trainingLoader } from '../../support/loader.ts';
import { chunkTable, nativeModel, plainInput, randomSource, readAll } from '../../support/natives.ts';
import { distance } from '../../support/tensor.ts';

/** No batch statistics: gradients of batches add up. */
const plain = trace('plain', plainInput(3, 4, 4), (s, x) => {
  const features = conv(s.at('conv'), { in: 3, out: 5, kernel: 3, bias: true })(x);
  return linear(s.at('fc'), { in: 5, out: 4 })(globalAvgPool(features));
});
/** The same with everything that is drawn for single images, and a gate that is drawn for the step. */
const noisy = trace('noisy', plainInput(3, 4, 4), (s, x) => {
  const f = (name: string, u: Node): Node => conv(s.at(name), { in: 5, out: 5, kernel: 3, bias: true })(u);
  const u = conv(s.at('conv'), { in: 3, out: 5, kernel: 3, bias: true })(x);
  const gated = mix([f('gate', u)], bernoulli({ keep: 0.5, per: 'sample', group: 'gate' }));
  const shaken = mix([f('a', gated), f('b', gated)], shake({ group: 'shake' }));
  const noise = gaussianNoise(dropout(lin([1, u], [1, shaken]), 0.3, 'dropout'), 0.1, 'noise');
  const whole = lin([1, noise], [1, mix([f('step', noise)], bernoulli({ keep: 0.5, group: 'step' }))]);
  return linear(s.at('fc'), { in: 5, out: 4 })(globalAvgPool(whole));
});
const normed = network(thin);

function trainerOf(
  graph: Graph,
  model: NativeModel,
  batch: number,
  change: Partial<NativeTrainerSpec> = {},
  images = 8,
): NativeTrainer {
  const optimizer = optimizerSpec(graph.params, trainSchema.parse({ nesterov: false }));
  const loader = trainingLoader(graph.input, batch);
  const source = randomSource(graph, images);
  return new (addon().Trainer)(model, source, { loader, seed: 0, optimizer, ...change });
}

const still = (steps: number, mixProb = 0): NativeStepTable => chunkTable(Array(steps).fill({ mixProb }));

describe('a step of several batches', () => {
  const table = chunkTable(Array(5).fill({ lr: 0.5, momentum: 0.9, weightDecay: 0.01 }));

  it.each([plain, noisy].flatMap((graph) => [1, 2, 4].map((batch) => ({ name: graph.name, graph, batch }))))(
    'of $batch images each is one step of all their images where nothing is normed, in the net $name',
    async ({ graph, batch }) => {
      const [model, twin] = [nativeModel(graph), nativeModel(graph)];
      const parts = await trainerOf(graph, model, batch, { accumulate: 8 / batch }).run({ first: 0, table });
      const whole = await trainerOf(graph, twin, 8).run({ first: 0, table });
      expect(parts).toMatchObject({
        steps: 5,
        samples: 40,
        correct1: whole.correct1,
        correct5: whole.correct5,
      });
      expect(distance(parts.losses, whole.losses)).toBeLessThan(1e-12);
      const wanted = await readAll(graph, twin);
      for (const [path, values] of await readAll(graph, model))
        expect(distance(values, wanted.get(path) ?? []), path).toBeLessThan(1e-12);
    },
  );

  it('takes the statistics of every batch by itself, one after the other', async () => {
    const [model, twin] = [nativeModel(normed), nativeModel(normed)];
    await trainerOf(normed, model, 4, { accumulate: 2 }).run({ first: 0, table: still(1) });
    await trainerOf(normed, twin, 4).run({ first: 0, table: still(2) });
    expect(await readAll(normed, model)).toEqual(await readAll(normed, twin));
  });

  it('mixes every batch by itself', async () => {
    const mixing = { mixup: 1, cutmix: 1, switchProb: 0.5 };
    const single = await trainerOf(plain, nativeModel(plain), 4, { mixing }).run({
      first: 0,
      table: still(4, 1),
    });
    const change = { mixing, accumulate: 2 };
    const double = await trainerOf(plain, nativeModel(plain), 4, change).run({
      first: 0,
      table: still(2, 1),
    });
    const [a = 0, b = 0, c = 0, d = 0] = single.losses;
    expect(new Set([a, b, c, d]).size).toBe(4);
    expect(distance(double.losses, [(a + b) / 2, (c + d) / 2])).toBeLessThan(1e-14);
  });

  it('drops the batches that fill no step, so that the next epoch begins with its own order', async () => {
    const model = nativeModel(plain);
    // five batches: two steps, and one left
    const trainer = trainerOf(plain, model, 2, { accumulate: 2 }, 11);
    expect(trainer.stepsPerEpoch).toBe(2);
    const { losses } = await trainer.run({ first: 0, table: still(4) });
    const singles = (await trainerOf(plain, model, 2, {}, 11).run({ first: 0, table: still(10) })).losses;
    const pairs = [0, 2, 5, 7].map((i) => ((singles[i] ?? 0) + (singles[i + 1] ?? 0)) / 2);
    expect(distance(losses, pairs)).toBeLessThan(1e-14);
  });

  it('changes nothing when one of its batches is not finite, and names the layer', async () => {
    const model = nativeModel(normed, 'float32');
    const trainer = trainerOf(normed, model, 2, { accumulate: 4 });
    await trainer.run({ first: 0, table });
    const weight = await model.readTensor('stage2.step2.f0.conv2.weight', 'value');
    weight[0] = Number.NaN;
    await model.writeTensor('stage2.step2.f0.conv2.weight', 'value', weight);
    const before = await readAll(normed, model);
    const result = await trainer.run({ first: 5, table });
    expect(result).toMatchObject({ steps: 0, samples: 0, correct1: 0, notFinite: 'stage2.step2.f0.conv2' });
    expect(await readAll(normed, model)).toEqual(before);
  });

  it.each([
    ['no batches', { accumulate: 0 }, 'ERR_CONFIG'],
    ['half a batch', { accumulate: 0.5 }, 'ERR_GRAPH'],
    ['more batches than there are', { accumulate: 5 }, 'ERR_DATASET'],
  ])('is refused with %s', async (_, change, code) => {
    const run = async (): Promise<unknown> =>
      trainerOf(plain, nativeModel(plain), 2, change).run({ first: 0, table });
    expect(await codeOf(run)).toBe(code);
  });
});

interface Clipped {
  readonly mode: 'norm' | 'value' | 'agc';
  readonly limit: number;
  readonly weights: Readonly<Record<string, readonly number[]>>;
}

const golden: readonly Clipped[] = JSON.parse(
  readFileSync(new URL('../../golden/training/clipping.json', import.meta.url), 'utf8'),
);
const convolution = [...plain.params.keys()].filter((i) => plain.params[i]?.path.startsWith('conv'));

describe('a gradient', () => {
  it.each(golden)('is clipped as in Python: $mode, $limit', async ({ mode, limit, weights }) => {
    const model = nativeModel(plain);
    for (const { path, shape } of plain.params) {
      const start = uniform(
        path,
        shape.reduce((a, b) => a * b, 1),
      );
      await model.writeTensor(
        path,
        'value',
        start.map((r) => r - 0.5),
      );
    }
    const clip = { mode, limit, params: convolution };
    await trainerOf(plain, model, 8, { clip }).run({ first: 0, table: chunkTable([{ lr: 1 }]) });
    for (const { path } of plain.params)
      expect(distance(await model.readTensor(path, 'value'), weights[path] ?? []), path).toBeLessThan(1e-12);
  });

  it.each([
    ['an unknown mode', { mode: 'length' }],
    ['a limit of 0', { limit: 0 }],
    ['a limit that is no number', { limit: Number.NaN }],
    ['a parameter that is not there', { params: [99] }],
  ])('is not clipped with %s', async (_, change) => {
    const clip = { mode: 'norm', limit: 1, params: [], ...change } as NativeTrainerSpec['clip'] & object;
    expect(await codeOf(() => void trainerOf(plain, nativeModel(plain), 8, { clip }))).toBe('ERR_CONFIG');
  });
});
