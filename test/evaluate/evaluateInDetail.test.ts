import { describe, expect, it, onTestFinished } from 'vitest';
import type { ImageSet } from '../../src/data/imageSet.ts';
import { fromAsyncIterable } from '../../src/data/stream.ts';
import { type DetailedEvaluation, evaluateInDetail } from '../../src/evaluate/evaluateInDetail.ts';
import type { Dataset } from '../../src/loading/dataset.ts';
import { train } from '../../src/train/train.ts';
import { codeOf } from '../support/failures.ts';
import { brightPixels, modelOf } from '../support/graphs/logits.ts';
import { noise, tinyModel } from '../support/training.ts';

/** Softmax of one row of logits, in float64. */
function softmax(logits: ArrayLike<number>): number[] {
  const weights = Array.from(logits, Math.exp);
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / total);
}

/** Images left to right reversed: gray, 8 x 8. */
const mirrored = (images: Uint8Array): Uint8Array =>
  images.map((_, i) => images[i - (i % 8) + 7 - (i % 8)] ?? 0);

describe.each([1, 3, 64])('the scores of known probabilities, %d images at a time', (batch) => {
  // Four images of three classes; the last is a tie, which the lower class wins.
  const rows = [
    { p: [0.7, 0.2, 0.1], label: 0 },
    { p: [0.3, 0.6, 0.1], label: 0 },
    { p: [0.1, 0.1, 0.8], label: 2 },
    { p: [0.4, 0.4, 0.2], label: 1 },
  ];
  const found = async (): Promise<DetailedEvaluation> => {
    const model = await modelOf(rows.map(({ p }) => p.map(Math.log)));
    return evaluateInDetail(model, brightPixels(rows.map(({ label }) => label)), { batch });
  };

  it('are their mean cross entropy and accuracy', async () => {
    const { loss, ...scores } = await found();
    expect(loss).toBeCloseTo(-Math.log(0.7 * 0.3 * 0.8 * 0.4) / 4, 12);
    expect(scores).toMatchObject({ count: 4, nonFinite: 0, top1: 0.5, top5: 1 });
  });

  it('tell what was taken for what, and how well each class is told', async () => {
    const { confusion, perClass } = await found();
    expect(confusion).toEqual([
      [1, 1, 0],
      [1, 0, 0],
      [0, 0, 1],
    ]);
    expect(perClass).toEqual([
      { name: '0', count: 2, predicted: 2, top1: 0.5, precision: 0.5 },
      { name: '1', count: 1, predicted: 1, top1: 0, precision: 0 },
      { name: '2', count: 1, predicted: 1, top1: 1, precision: 1 },
    ]);
  });

  it('compare confidence with accuracy, bin by bin', async () => {
    const { ece, bins } = (await found()).calibration;
    expect(ece).toBeCloseTo((0.3 + 0.6 + 0.2 + 0.4) / 4, 12); // each image has a bin of its own
    expect(bins).toHaveLength(15);
    const full = bins.filter(({ count }) => count > 0);
    expect(full.map(({ confidence }) => Number(confidence?.toFixed(12)))).toEqual([0.4, 0.6, 0.7, 0.8]);
    expect(full.map(({ accuracy }) => accuracy)).toEqual([0, 0, 1, 1]);
    for (const { from, to, confidence } of full) {
      expect(confidence).toBeGreaterThan(from);
      expect(confidence).toBeLessThanOrEqual(to + 1e-12);
    }
  });
});

describe('the scores of one image', () => {
  it('have no top-1 and no precision where there is no image', async () => {
    const { perClass, loss, calibration } = await evaluateInDetail(
      await modelOf([[0, -1e308]]),
      brightPixels([0]),
    );
    expect(perClass[1]).toEqual({ name: '1', count: 0, predicted: 0, top1: null, precision: null });
    expect([loss, calibration.ece, calibration.bins[14]?.count]).toEqual([0, 0, 1]);
  });

  it('are finite for logits as large as they come', async () => {
    const model = await modelOf([[3e38, 0]]);
    expect(await evaluateInDetail(model, brightPixels([0]))).toMatchObject({ loss: 0, top1: 1 });
    expect(await evaluateInDetail(model, brightPixels([1]))).toMatchObject({ loss: 3e38, top1: 0 });
  });
});

describe('an image for which a logit is not finite', () => {
  const sure = [Math.log(0.9), Math.log(0.1)];
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

  it.each([
    { title: 'NaN', logits: [nan, 1] },
    { title: 'infinite', logits: [infinity, 1] },
    { title: 'minus infinite', logits: [1, -infinity] },
  ])(
    'counts as wrong, has no part in confusion and confidence, and is told of: $title',
    async ({ logits }) => {
      const model = await modelOf([sure, logits]);
      const set = brightPixels([0, 0]);
      for (const options of [{ batch: 1 }, { batch: 2 }, { tta: 'flip', batch: 2 }] as const) {
        const found = await evaluateInDetail(model, set, options);
        const one = 'tta' in options ? 0 : 1; // one of its views is that of the other image
        expect(found).toMatchObject({
          loss: nan,
          top1: one / 2,
          top5: one / 2,
          count: 2,
          nonFinite: 2 - one,
        });
        expect(found.confusion.flat()).toEqual([one, 0, 0, 0]);
        expect(found.calibration.ece).toBeNull();
        const full = found.calibration.bins.filter(({ count }) => count > 0);
        expect(full.map(({ count, accuracy }) => [count, accuracy])).toEqual(one === 1 ? [[1, 1]] : []);
      }
      const plain = await model.evaluate(set);
      const notes = ['memory has no images of the classes 1'];
      expect(plain).toEqual({ loss: nan, top1: 0.5, top5: 0.5, count: 2, nonFinite: 1, bad: [], notes });
    },
  );
});

describe('probabilities of several views', () => {
  it('are averaged, not their logits', async () => {
    const views = [
      [1, 2, 3],
      [-4, 0, 9],
    ];
    const [a, b] = views.map(softmax);
    const model = await modelOf(views);
    for (const label of [0, 1, 2]) {
      const { loss } = await evaluateInDetail(model, brightPixels([label, label]), { tta: 'flip' });
      expect(loss).toBeCloseTo(-Math.log(((a?.[label] ?? 0) + (b?.[label] ?? 0)) / 2), 12);
    }
  });
});

describe('an evaluation in detail', () => {
  it('agrees with an evaluation, whatever the batch', async () => {
    const model = await tinyModel();
    const set = noise(11);
    const { loss, top1, top5, count } = await model.evaluate(set);
    for (const batch of [1, 4, 64]) {
      const found = await evaluateInDetail(model, set, { batch });
      expect(found).toMatchObject({ top1, top5, count, bad: [], classNames: ['0', '1', '2', '3'] });
      expect(found.loss).toBeCloseTo(loss, 6);
    }
  });

  it('averages an image and its mirror image', async () => {
    const model = await tinyModel();
    const set = noise(6);
    const [plain, turned] = [await model.logits(set.images), await model.logits(mirrored(set.images))];
    const losses = Array.from(set.labels, (label, i) => {
      const [a, b] = [plain, turned].map((logits) => softmax(logits.subarray(4 * i, 4 * i + 4))[label] ?? 0);
      return -Math.log(((a ?? 0) + (b ?? 0)) / 2);
    });
    const { loss } = await evaluateInDetail(model, set, { tta: 'flip', batch: 4 });
    expect(loss).toBeCloseTo(losses.reduce((a, b) => a + b) / 6, 6);
  });

  it('averages ten crops', async () => {
    const model = await tinyModel();
    const set = noise(4);
    const all: number[][] = [];
    for (const source of [set.images, mirrored(set.images)])
      for (const [top, left] of [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ] as const) {
        const part = source.filter((_, i) => {
          const [y, x] = [Math.floor(i / 8) % 8, i % 8];
          return y >= top && y < top + 7 && x >= left && x < left + 7;
        });
        const logits = await model.logits(part, { height: 7, width: 7 });
        all.push(
          Array.from(set.labels, (label, i) => softmax(logits.subarray(4 * i, 4 * i + 4))[label] ?? 0),
        );
      }
    // The middle 7 of 8 begin at round(0.5), which is 0 as in Python: the centre is the top left corner, with
    // its own mirror image.
    const [first = [], mirroredFirst = []] = [all[0], all[4]];
    const losses = Array.from(set.labels, (_, i) => {
      const sum = [...all, first, mirroredFirst].reduce((total, p) => total + (p[i] ?? 0), 0);
      return -Math.log(sum / 10);
    });
    const { loss } = await evaluateInDetail(model, set, { tta: 'ten-crop' });
    expect(loss).toBeCloseTo(losses.reduce((a, b) => a + b) / 4, 6);
  });

  it('looks at the first batches only where asked', async () => {
    const [model, set, options] = [await tinyModel(), noise(20), { batch: 4, batches: 2 }];
    const first = noise(8);
    const { loss, top1, top5 } = await model.evaluate(first, { batch: 4 });
    for (const evaluation of [model.evaluate(set, options), evaluateInDetail(model, set, options)])
      expect(await evaluation).toMatchObject({ count: 8, loss, top1, top5 });
  });

  it.each([
    { title: 'unknown views', options: { tta: 'five-crop' } },
    { title: 'no batches', options: { batches: 0 } },
    { title: 'an unknown option', options: { tta2: 1 } },
  ])('is refused: $title', async ({ options }) => {
    expect(await codeOf(evaluateInDetail(await tinyModel(), noise(4), options as object))).toBe('ERR_CONFIG');
  });

  /** Four images of noise that come one by one. */
  function streamOf({ images }: ImageSet): Dataset {
    async function* samples(): AsyncGenerator<{ image: Uint8Array; label: number }> {
      for (let i = 0; i < 4; i++) yield { image: images.slice(64 * i, 64 * i + 64), label: i };
    }
    const options = { classNames: [...'0123'], size: { height: 8, width: 8, channels: 1 } } as const;
    const stream = fromAsyncIterable(samples(), options);
    onTestFinished(() => stream.close());
    return stream;
  }

  it.each([1, 3, 4, 256])('reads a stream to its end, %d images at a time', async (batch) => {
    const [model, set] = [await tinyModel(), noise(4)];
    const { loss, top1 } = await model.evaluate(set);
    for (const workers of [0, 1]) {
      const options = { batch, workers };
      const found = [
        await model.evaluate(streamOf(set), options),
        await evaluateInDetail(model, streamOf(set), options),
      ];
      for (const one of found) {
        expect(one).toMatchObject({ count: 4, top1 });
        expect(one.loss).toBeCloseTo(loss, 6);
      }
    }
  });

  it('refuses several views of a stream', async () => {
    const stream = streamOf(noise(4));
    expect(await codeOf(evaluateInDetail(await tinyModel(), stream, { tta: 'flip' }))).toBe('ERR_CONFIG');
  });

  it('takes the averaged weights where asked', async () => {
    const model = await tinyModel();
    const set = noise(8);
    expect(await codeOf(evaluateInDetail(model, set, { weights: 'ema' }))).toBe('ERR_CONFIG');
    await train(model, { train: set }, { batch: 8, steps: 4, lr: 0.5, modelEma: true });
    const [plain, average] = [
      await evaluateInDetail(model, set),
      await model.evaluate(set, { weights: 'ema' }),
    ];
    const found = await evaluateInDetail(model, set, { weights: 'ema' });
    expect(found.loss).toBeCloseTo(average.loss, 6);
    expect(found.loss).not.toBe(plain.loss);
  });

  it('is refused by a closed model', async () => {
    const model = await tinyModel();
    await model.close();
    expect(await codeOf(evaluateInDetail(model, noise(4)))).toBe('ERR_CLOSED');
  });
});
