/**
 * An evaluation that says where a model errs: per class, in a confusion matrix, in its confidence; over
 * several views where asked.
 */
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { expected } from '../errors.ts';
import type { Images } from '../loading/images.ts';
import { transformOf } from '../loading/loaderSpec.ts';
import { checkImages } from '../model/checkImages.ts';
import { evaluateViews, notesOf } from '../model/evaluate.ts';
import { coreOf, type Model } from '../model/model.ts';
import { type EvaluateOptions, type Evaluating, evaluateShape } from '../model/options.ts';
import { must } from '../must.ts';
import type { Evaluation } from '../native/binding.ts';
import type { Ranks } from '../ranks/ranks.ts';
import { type ScoreTable, scoreTable } from './scores.ts';
import { type Augmentation, augmentations, viewsOf } from './views.ts';

/** Options of `evaluateInDetail`. */
export type DetailOptions = EvaluateOptions & {
  /** Views whose probabilities are averaged: `none` (the image alone, default), `flip` or `ten-crop`. */
  readonly tta?: Augmentation | undefined;
};

interface DetailSettings extends Evaluating {
  readonly tta: Augmentation;
}

/** The scores of a model on a data set, with the names of its classes. */
export interface DetailedEvaluation extends ScoreTable, Evaluation {
  readonly classNames: readonly string[];
}

/** The schema of the options of `evaluateInDetail`; the flags of the command line are made of it. */
export const detailSchema: z.ZodType<DetailSettings, DetailOptions> = z.object({
  ...evaluateShape,
  tta: z.enum(augmentations).default('none').describe('views whose probabilities are averaged'),
});

/**
 * Loss, accuracy, a table of the classes, the confusion matrix (rows: true, columns: predicted) and the
 * calibration of a model over labelled images. Ten crops are torchvision's TenCrop in place of the central
 * crop in which the transform ends; of pixels that nothing crops, 7/8 of each side.
 *
 * @param options.batch images at a time, default 256.
 * @param options.batches only the first so many batches; default all.
 * @returns mean cross entropy in nats of the averaged probabilities; top-1 and top-5 in [0, 1]; counts;
 *   expected calibration error. An image for which a logit is not finite counts as wrong: `nonFinite` says
 *   how many did, the loss is NaN then and the calibration error null.
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
  return evaluatedInDetail(model, images, options);
}

/** The same over the ranks of a training, each of which evaluates its share, and gets the whole. */
export async function evaluatedInDetail(
  model: Model,
  images: Images,
  options: DetailOptions,
  ranks?: Ranks,
): Promise<DetailedEvaluation> {
  const { tta, ...evaluating } = parseOptions(detailSchema, options, 'evaluate');
  const core = coreOf(model);
  const data = checkImages(core, images, false);
  if (tta !== 'none' && data.count === null)
    throw expected('ERR_CONFIG', 'images that can be read again, for several views,', 'data', data.name);
  const [first, ...others] = viewsOf(transformOf(data, model.input, false), tta, data.size).map((view) =>
    checkImages(core, data.with(view), false),
  );
  const found = await evaluateViews(core, [must(first), ...others], evaluating, { detail: true, ranks });
  return { ...scoreTable(found, model.classNames), notes: notesOf(core, data), classNames: model.classNames };
}
