/** Mixup, CutMix, smoothed targets and binary cross entropy: against timm, and the law of the shares. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { globalAvgPool } from '../../../src/graph/functions.ts';
import { trace } from '../../../src/graph/graph.ts';
import type {
  NativeChunkResult,
  NativeLoss,
  NativeStepTable,
  NativeTrainerSpec,
} from '../../../src/native/binding.ts';
import { conv, linear } from '../../../src/nn/layers.ts';
import { addon } from '../../support/addon.ts';
import { codeOf } from '../../support/failures.ts';
import { uniform } from '../../support/graphs/formula.ts';
import { trainingLoader } from '../../support/loader.ts';
import { chunkTable, nativeModel, plainInput, randomSource } from '../../support/natives.ts';

interface Golden {
  readonly seed: number;
  readonly cases: readonly {
    readonly mixup: number;
    readonly cutmix: number;
    readonly prob: number;
    readonly switchProb: number;
    readonly loss: NativeLoss['kind'];
    readonly smoothing: number;
    readonly threshold?: number;
    readonly steps: readonly {
      readonly loss: number;
      readonly correct1: number;
      readonly dots: readonly number[];
    }[];
  }[];
  readonly laws: readonly {
    readonly alpha: number;
    readonly parts: readonly number[];
    readonly shares: readonly number[];
  }[];
}

const golden: Golden = JSON.parse(
  readFileSync(new URL('../../golden/training/mixing.json', import.meta.url), 'utf8'),
);
const optimizer = { kind: 'sgd', nesterov: false, groups: [] } as const;
const images = 6;
/** Logits that are linear in the pixels. */
const graph = trace('whole', plainInput(2, 7, 5), (s, x) =>
  globalAvgPool(conv(s.at('conv'), { in: 2, out: 4, kernel: [7, 5], padding: 0, bias: true })(x)),
);

describe.each(golden.cases)(
  'a batch with $loss, mixup $mixup, cutmix $cutmix, smoothing $smoothing',
  (row) => {
    const { mixup, cutmix, switchProb, smoothing, threshold } = row;
    const loss: NativeLoss = { kind: row.loss, smoothing, ...(threshold === undefined ? {} : { threshold }) };

    it('has the loss, gradient and right guesses that timm gives', async () => {
      const model = nativeModel(graph);
      for (const { path, shape } of graph.params) {
        const count = shape.reduce((a, b) => a * b, 1);
        await model.writeTensor(
          path,
          'value',
          uniform(path, count).map((r) => r - 0.5),
        );
      }
      const spec = { seed: golden.seed, optimizer, loss, mixing: { mixup, cutmix, switchProb } };
      const trainer = new (addon().Trainer)(model, randomSource(graph, images), {
        ...spec,
        loader: trainingLoader(graph.input, images, golden.seed),
      });
      for (const [first, step] of row.steps.entries()) {
        const { losses, correct1 } = await trainer.run({ first, table: chunkTable([{ mixProb: row.prob }]) });
        expect(losses[0]).toBeCloseTo(step.loss, 12);
        expect(correct1).toBe(step.correct1);
        for (const [i, { path }] of graph.params.entries()) {
          const gradient = await model.readTensor(path, 'gradient');
          const dot = uniform(`${path}*`, gradient.length).reduce(
            (sum, r, j) => sum + (r - 0.5) * (gradient[j] ?? 0),
            0,
          );
          expect(dot).toBeCloseTo(step.dots[i] ?? Number.NaN, 12);
        }
      }
    });
  },
);

const pixel = trace('pixel', plainInput(1, 1, 1), (s, x) => linear(s, { in: 1, out: 2 })(globalAvgPool(x)));
const slope = 30;

/**
 * A white image of class 0 and a black one of class 1, which a step mixes; the logits of white are [slope,
 * 0].
 */
async function pairLosses(
  mixing: NativeTrainerSpec['mixing'],
  table: NativeStepTable,
): Promise<NativeChunkResult> {
  const model = nativeModel(pixel, 'float64', null);
  await model.writeTensor('weight', 'value', Float64Array.of(slope, 0));
  const source = new (addon().Source)({
    kind: 'memory',
    images: Uint8Array.of(255, 0),
    labels: Int32Array.of(0, 1),
    height: 1,
    width: 1,
    channels: 1,
  });
  const spec = {
    loader: trainingLoader(pixel.input, 2),
    seed: 5,
    optimizer,
    ...(mixing === undefined ? {} : { mixing }),
  };
  return new (addon().Trainer)(model, source, spec).run({ first: 0, table });
}

/** The loss of that pair when the larger share is `share`. */
function lossOf(share: number): number {
  const one = (own: number): number => Math.log1p(Math.exp(own * slope)) - own * own * slope;
  return (one(share) + one(1 - share)) / 2;
}

describe('the shares of a batch', () => {
  const steps = 2000;

  it.each(golden.laws)('follow the law Beta(α, α) with α = $alpha', async ({ alpha, parts, shares }) => {
    const table = chunkTable(Array(steps).fill({ mixProb: 1 }));
    const { losses } = await pairLosses({ mixup: alpha, cutmix: 0, switchProb: 0 }, table);
    for (const [i, part] of parts.entries()) {
      const limit = lossOf(shares[i] ?? Number.NaN);
      const found = losses.filter((loss) => loss > limit).length / steps; // a smaller share, a larger loss
      expect(Math.abs(found - part), `${part}`).toBeLessThan(5 * Math.sqrt((part * (1 - part)) / steps));
    }
  });

  it('are 1 as often as the probability says', async () => {
    const table = chunkTable(Array(steps).fill({ mixProb: 0.3 }));
    const { losses } = await pairLosses({ mixup: 1, cutmix: 0, switchProb: 0 }, table);
    const whole = losses.filter((loss) => loss === losses.reduce((a, b) => Math.min(a, b))).length / steps;
    expect(Math.abs(whole - 0.7)).toBeLessThan(5 * Math.sqrt((0.3 * 0.7) / steps));
  });

  it('stay numbers for an α so small that its variates are below every double', async () => {
    const table = chunkTable(Array(50).fill({ mixProb: 1 }));
    const { losses } = await pairLosses({ mixup: 1e-4, cutmix: 0, switchProb: 0 }, table);
    expect(losses.length).toBe(50);
    expect(losses.every(Number.isFinite)).toBe(true);
  });

  it('depend on the step alone, not on how a run is cut into chunks', async () => {
    const row = { mixProb: 1 };
    const mixing = { mixup: 1, cutmix: 0, switchProb: 0 };
    const whole = await pairLosses(mixing, chunkTable([row, row, row]));
    const first = await pairLosses(mixing, chunkTable([row]));
    expect(whole.losses[0]).toBe(first.losses[0]);
    expect(new Set(whole.losses).size).toBe(3);
  });
});

describe('a trainer', () => {
  const mixing = { mixup: 1, cutmix: 0, switchProb: 0.5 };
  it.each<[string, object]>([
    ['a negative α', { mixing: { ...mixing, mixup: -1 } }],
    ['an α that is no number', { mixing: { ...mixing, cutmix: Number.NaN } }],
    ['a probability above 1', { mixing: { ...mixing, switchProb: 2 } }],
    ['an unknown loss', { loss: { kind: 'hinge', smoothing: 0 } }],
    ['a smoothing of 1', { loss: { kind: 'bce', smoothing: 1 } }],
  ])('refuses %s', async (_, change) => {
    const spec = { loader: trainingLoader(graph.input, 2), seed: 0, optimizer, ...change };
    const make = (): unknown =>
      new (addon().Trainer)(nativeModel(graph), randomSource(graph, 4), spec as never);
    expect(await codeOf(() => void make())).toBe('ERR_CONFIG');
  });
});
