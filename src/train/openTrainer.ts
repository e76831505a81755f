/**
 * The native trainer of a run; where the images change their size from epoch to epoch, one after the other.
 */
import { expected } from '../errors.ts';
import type { Dataset } from '../loading/dataset.ts';
import { transformOf } from '../loading/loaderSpec.ts';
import type { Model } from '../model/model.ts';
import { must } from '../must.ts';
import type { NativeChunk, NativeChunkResult, NativeModel, NativeTrainer } from '../native/binding.ts';
import { native } from '../native/load.ts';
import type { Ranks } from '../ranks/ranks.ts';
import { resizedTo } from '../transforms/transforms.ts';
import type { TrainSettings } from './settings.ts';
import { trainerSpec } from './trainerSpec.ts';
import { toTrainOn } from './trainSets.ts';

/**
 * The trainer of a model on a data set.
 *
 * @throws ERR_SHAPE when the network cannot take a size, ERR_CONFIG for sizes of a stream, which has no
 *   epochs.
 */
export function openTrainer(
  open: NativeModel,
  model: Model,
  data: Dataset,
  settings: TrainSettings,
  ranks?: Ranks,
): NativeTrainer {
  const at = (images: Dataset): NativeTrainer =>
    new (native().Trainer)(open, images.source, trainerSpec(model, images, settings, ranks), ranks?.native);
  const { sizes } = settings;
  if (sizes === undefined) return at(data);
  if (data.count === null)
    throw expected('ERR_CONFIG', 'no sizes, for a stream has no epochs,', 'train.sizes', sizes);
  for (const size of sizes) model.graph.shapes(1, size, size);
  const transform = transformOf(toTrainOn(data, model, settings), model.input, true);
  return new SizedTrainer((size) => at(data.with(resizedTo(transform, size))), sizes, settings);
}

/**
 * Size of the images in an epoch: each size has an equal share of the epochs, in order.
 *
 * @example
 * sizeAt([128, 160, 192], 1, 5); // 128: the shares begin with the epochs 0, 2 and 4
 */
export function sizeAt(sizes: readonly number[], epoch: number, epochs: number): number {
  return must(sizes[Math.min(sizes.length - 1, Math.floor((epoch * sizes.length) / epochs))]);
}

/**
 * A trainer of images of changing size. What it does in a step depends on the step alone, for all that a
 * training remembers is in the model: with a new size another native trainer goes on.
 */
class SizedTrainer implements NativeTrainer {
  readonly #make: (size: number) => NativeTrainer;
  readonly #sizes: readonly number[];
  readonly #epochs: number;
  readonly stepsPerEpoch: number;
  #size: number;
  #trainer: NativeTrainer;
  #stopped = false;

  constructor(
    make: (size: number) => NativeTrainer,
    sizes: readonly number[],
    { steps, epochs }: TrainSettings,
  ) {
    this.#make = make;
    this.#sizes = sizes;
    this.#size = must(sizes[0]);
    this.#trainer = make(this.#size);
    this.stepsPerEpoch = this.#trainer.stepsPerEpoch;
    this.#epochs = steps === undefined ? epochs : Math.ceil(steps / this.stepsPerEpoch);
  }

  /** A chunk lies within one epoch. */
  run(chunk: NativeChunk): Promise<NativeChunkResult> {
    const size = sizeAt(this.#sizes, Math.floor(chunk.first / this.stepsPerEpoch), this.#epochs);
    if (size !== this.#size) {
      this.#trainer.close();
      this.#trainer = this.#make(size);
      this.#size = size;
      if (this.#stopped) this.#trainer.stop();
    }
    return this.#trainer.run(chunk);
  }

  stop(): void {
    this.#stopped = true;
    this.#trainer.stop();
  }

  close(): void {
    this.#trainer.close();
  }
}
