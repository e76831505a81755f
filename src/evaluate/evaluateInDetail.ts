/**
 * An evaluation that says where a model errs: per class, in a confusion matrix, in its confidence; over
 * several views where asked.
 */
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { expected } from '../errors.ts';
import type { Images } from '../loading/images.ts';
import { type LoadingOptions, loaderSpec, transformOf } from '../loading/loaderSpec.ts';
import { readBatches } from '../loading/readBatches.ts';
import type { Model } from '../model/model.ts';
import { type EvaluateOptions, evaluateShape, type PredictOptions } from '../model/options.ts';
import type { Amp, BadImage, NativeBatch } from '../native/binding.ts';
import { meanLogProbabilities, Scores, type ScoreTable } from './scores.ts';
import { type Augmentation, augmentations, viewsOf } from './views.ts';

/** Options of `evaluateInDetail`. */
export type DetailOptions = EvaluateOptions & {
  /** Views whose probabilities are averaged: `none` (the image alone, default), `flip` or `ten-crop`. */
  readonly tta?: Augmentation | undefined;
  /** Only the first so many batches; default all. */
  readonly batches?: number | undefined;
};

interface DetailSettings extends LoadingOptions {
  readonly batch: number;
  readonly weights: 'value' | 'ema';
  readonly amp: Amp;
  readonly tta: Augmentation;
  readonly batches?: number | undefined;
}

/** The scores of a model on a data set, with the names of its classes. */
export interface DetailedEvaluation extends ScoreTable {
  readonly classNames: readonly string[];
  /** Images that could not be used, each once; they do not count. */
  readonly bad: readonly BadImage[];
}

/** The schema of the options of `evaluateInDetail`; the flags of the command line are made of it. */
export const detailSchema: z.ZodType<DetailSettings, DetailOptions> = z.object({
  ...evaluateShape,
  tta: z.enum(augmentations).default('none').describe('views whose probabilities are averaged'),
  batches: z.int().min(1).optional().describe('only the first so many batches (default: all)'),
});

/**
 * Loss, accuracy, a table of the classes, the confusion matrix (rows: true, columns: predicted) and the
 * calibration of a model over labelled images. Ten crops are torchvision's TenCrop in place of the central
 * crop in which the transform ends; of pixels that nothing crops, 7/8 of each side.
 *
 * @param options.batch images at a time, default 256.
 * @returns mean cross entropy in nats of the averaged probabilities; top-1 and top-5 in [0, 1]; counts;
 *   expected calibration error.
 * @throws ERR_SHAPE when the images or their classes do not fit; ERR_CONFIG for a wrong option, or several
 *   views of a stream; ERR_IMAGE, ERR_DATASET for bad images, as asked; ERR_CLOSED.
 * @see Guo et al., "On calibration of modern neural networks", 2017
 * @example
 * const { perClass, calibration } = await evaluateInDetail(model, photos, { tta: 'flip' });
 * console.log(perClass.toSorted((a, b) => (a.top1 ?? 1) - (b.top1 ?? 1))[0]?.name, calibration.ece);
 */
export async function evaluateInDetail(
  model: Model,
  images: Images,
  options: DetailOptions = {},
): Promise<DetailedEvaluation> {
  const {
    tta,
    weights,
    amp,
    batches = Number.POSITIVE_INFINITY,
    ...loading
  } = parseOptions(detailSchema, options, 'evaluate');
  const data = model.check(images, false);
  if (tta !== 'none' && data.count === null)
    throw expected('ERR_CONFIG', 'images that can be read again, for several views,', 'data', data.name);
  const views = viewsOf(transformOf(data, model.input, false), tta, data.size).map((transform) => {
    const view = model.check(data.with(transform), false);
    const spec = loaderSpec(view, model.input, { ...loading, seed: 0, training: false, device: 'cpu' });
    return { spec, batches: readBatches(view, spec) };
  });
  const scores = new Scores(model.graph.classes);
  const bad = new Map<string, BadImage>();
  try {
    for (let i = 0; i < batches; i++) {
      const read = await Promise.all(views.map((view) => view.batches.next()));
      const found = read.flatMap(({ value }) => (value === undefined ? [] : [value]));
      for (const one of found.flatMap((batch) => batch.bad)) bad.set(one.name, one);
      if (found.length < views.length) break;
      const sizes = views.map(({ spec: { height, width } }) => ({ height, width, weights, amp }));
      const logits = await logitsOf(model, found, sizes);
      add(scores, found, logits);
    }
  } finally {
    await Promise.all(views.map((view) => view.batches.return()));
  }
  return { ...scores.table(model.classNames), classNames: model.classNames, bad: [...bad.values()] };
}

/** Logits of every view of a batch, one after the other: they share one compute thread. */
async function logitsOf(
  model: Model,
  views: readonly NativeBatch[],
  options: readonly PredictOptions[],
): Promise<Float32Array[]> {
  const out: Float32Array[] = [];
  for (const [i, { pixels }] of views.entries())
    out.push(await model.logitsOfPixels(pixels, options[i] ?? {}));
  return out;
}

/** Adds the images that all views have: a broken one may show in some of them only. */
function add(scores: Scores, views: readonly NativeBatch[], logits: readonly Float32Array[]): void {
  const [first] = views;
  if (first === undefined) return;
  const classes = (logits[0]?.length ?? 0) / first.labels.length;
  const places = views.map(({ indices }) => new Map(Array.from(indices, (index, row) => [index, row])));
  for (const [row, index] of first.indices.entries()) {
    const rows = places.map((place) => place.get(index));
    const values = rows.flatMap((at, v) =>
      at === undefined ? [] : [logits[v]?.subarray(at * classes, (at + 1) * classes) ?? new Float32Array()],
    );
    if (values.length < views.length) continue;
    scores.add(meanLogProbabilities(values, classes), first.labels[row] ?? 0);
  }
}
