/** The images of a training: those to train on, and held-out ones. */
import { expected } from '../errors.ts';
import { checkClassNames } from '../loading/classNames.ts';
import type { Dataset } from '../loading/dataset.ts';
import { transformOf } from '../loading/loaderSpec.ts';
import type { Model } from '../model/model.ts';
import type { TrainSettings } from './settings.ts';

/** The data sets of a training. */
export interface TrainSets {
  readonly train: Dataset;
  readonly test: Dataset | undefined;
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
 * @throws ERR_CONFIG, ERR_DATASET when the classes of both sets differ.
 */
export function checkSets(
  { train: { count, classNames, name }, test }: TrainSets,
  { batch, accumulate, steps, overfitBatches, earlyStopPatience }: TrainSettings,
): void {
  if (count === null && steps === undefined)
    throw expected('ERR_CONFIG', 'the number of steps, for a stream has no epochs,', 'train.steps', steps);
  if (count !== null && count < batch * accumulate)
    throw expected(
      'ERR_CONFIG',
      `at most ${count}, the number of training images, in a step`,
      'train.batch',
      accumulate === 1 ? batch : `${accumulate} x ${batch}`,
    );
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
  checkClassNames(test, { name, classNames });
}
