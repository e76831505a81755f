/** The images of a training: those to train on, and held-out ones. */
import { expected } from '../errors.ts';
import { adoptedNames, matchClasses, type NamedClasses } from '../loading/classNames.ts';
import type { Dataset } from '../loading/dataset.ts';
import { batchSize, keepsSize, sizeNotes, transformOf } from '../loading/loaderSpec.ts';
import type { ModelInput } from '../loading/modelInput.ts';
import { classesOf } from '../model/core.ts';
import { coreOf, type Model } from '../model/model.ts';
import type { RawSize } from '../native/binding.ts';
import { decodingOf } from '../transforms/decoding.ts';
import { type Preprocessing, wholeImage } from '../transforms/preprocessing.ts';
import type { TrainSettings } from './settings.ts';

/** The data sets of a training. */
export interface TrainSets {
  readonly train: Dataset;
  readonly test: Dataset | undefined;
}

/**
 * What the evaluations of a training do to images, or would: that of the images to test on, the model's own
 * where these do not say. Pixels in memory stay as they are where these are trained on, too, or have the
 * model's size; files of their size then do.
 */
export function evaluationOf({ train, test }: TrainSets, input: ModelInput): Preprocessing {
  const { size, decoding } = test ?? train;
  const own = test?.transform;
  const stay =
    size !== null &&
    (own !== undefined || keepsSize(input.transform, size) || isTrainedOn(size, train, input));
  const transform = stay
    ? [...wholeImage([size.height, size.width]), ...(own ?? [])]
    : (own ?? input.transform);
  return { transform, ...decodingOf(decoding, input) };
}

/** What is told of classes and sizes that are not those of the model, each once. */
export function notesOf({ train, test }: TrainSets, model: Model): readonly string[] {
  const classes = classesOf(coreOf(model));
  const sets = test === undefined ? [train] : [train, test];
  const resized = test === undefined ? [] : sizeNotes(test, model.input);
  return [...new Set([...sets.flatMap((set) => matchClasses(set, classes).notes), ...resized])];
}

/** Whether images of this size are trained on. */
function isTrainedOn({ height, width }: RawSize, train: Dataset, input: ModelInput): boolean {
  return batchSize(train, input, true).join() === [height, width].join();
}

/**
 * The images to train on: as evaluations get them where they are to be learned by heart, unless they have a
 * transform of their own.
 */
export function toTrainOn(data: Dataset, model: Model, { overfitBatches }: TrainSettings): Dataset {
  if (overfitBatches === undefined || data.transform !== undefined || data.size !== null) return data;
  return data.with(transformOf(data, model.input, false));
}

/**
 * Checks that a training with these settings can be done on these images.
 *
 * @param own the classes of the model.
 * @throws ERR_CONFIG, ERR_DATASET when there are images to test on of a class that is not trained on.
 */
export function checkSets(
  { train, test }: TrainSets,
  { batch, accumulate, steps, augRepeats, overfitBatches, earlyStopPatience }: TrainSettings,
  own: NamedClasses,
  worldSize = 1,
): void {
  const { count } = train;
  const sharers = train.part === null ? worldSize : 1; // of these images
  if (count === null && steps === undefined)
    throw expected('ERR_CONFIG', 'the number of steps, for a stream has no epochs,', 'train.steps', steps);
  if (count !== null && count < batch * accumulate * sharers)
    throw expected(
      'ERR_CONFIG',
      `at most ${count}, the number of training images, in a step`,
      'train.batch',
      accumulate * sharers === 1
        ? batch
        : [sharers > 1 ? `${sharers} ranks x ` : '', accumulate > 1 ? `${accumulate} x ` : '', batch].join(
            '',
          ),
    );
  if (augRepeats > 1 && count === null)
    throw expected('ERR_CONFIG', '1, for a stream is read once,', 'train.augRepeats', augRepeats);
  if (overfitBatches !== undefined && count === null)
    throw expected(
      'ERR_CONFIG',
      'no batches to overfit, for a stream is read once,',
      'train.overfitBatches',
      overfitBatches,
    );
  if (overfitBatches !== undefined && overfitBatches < accumulate)
    throw expected(
      'ERR_CONFIG',
      `at least the ${accumulate} batches of a step`,
      'train.overfitBatches',
      overfitBatches,
    );
  if (earlyStopPatience !== undefined && test === undefined)
    throw expected('ERR_CONFIG', 'images to test on, for an early stop,', 'data.test', test);
  if (test === undefined) return;
  if (test.count === null)
    throw expected('ERR_CONFIG', 'images that can be read again', 'data.test', test.name);
  matchClasses(test, { name: train.name, classNames: adoptedNames(own.classNames, train.classNames) });
}
