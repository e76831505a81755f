/**
 * Batches of a data set in JavaScript, as training gets them natively: for looking at, for tests, for other
 * uses.
 */
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { datasetOf, type Images } from '../loading/images.ts';
import { type LoadingOptions, loaderSpec, loadingShape } from '../loading/loaderSpec.ts';
import { readBatches } from '../loading/readBatches.ts';
import type { NativeBatch } from '../native/binding.ts';
import { preprocessingOf } from '../transforms/preprocessing.ts';
import { imagenetMean, imagenetStd } from '../transforms/transforms.ts';

/** Options of `batches`. */
export interface BatchesOptions extends Partial<LoadingOptions> {
  /** Images in a batch, default 32. */
  readonly batch?: number | undefined;
  /** Of the order and of what the transform draws, default 0. */
  readonly seed?: number | undefined;
  /** Which pass, from 0 (default): every one has an order of its own. */
  readonly epoch?: number | undefined;
  /** Random order without the tail that fills no batch, or every image once in order (default false). */
  readonly training?: boolean | undefined;
  /**
   * Of a training: each image so often, by a transform drawn anew, in an epoch as long as without; default 1.
   * The ranks take the copies of an image in turn.
   */
  readonly augRepeats?: number | undefined;
  /** First batch of the pass, default 0: to go on where an earlier pass was stopped. */
  readonly start?: number | undefined;
  /**
   * Part of every step that this process reads, and their number; all get equally many batches. Default 0 of
   * 1.
   */
  readonly rank?: number | undefined;
  readonly worldSize?: number | undefined;
  /** Size that the usual transform of files brings images to, default 224. */
  readonly imageSize?: number | undefined;
  /** 1 (gray) or 3 (RGB); default: that of pixels in memory, 3 for files. */
  readonly channels?: 1 | 3 | undefined;
}

/** Images of one size with their labels. */
export interface ImageBatch extends NativeBatch {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

const schema = z
  .object({
    batch: z.int().min(1).max(65_536).default(32),
    seed: z.int().min(0).default(0),
    epoch: z.int().min(0).default(0),
    training: z.boolean().default(false),
    augRepeats: z.int().min(1).max(100).default(1),
    start: z.int().min(0).default(0),
    rank: z.int().min(0).default(0),
    worldSize: z.int().min(1).default(1),
    imageSize: z.int().min(1).max(16_383).default(224),
    channels: z.union([z.literal(1), z.literal(3)]).optional(),
    ...loadingShape,
  })
  .refine(({ rank, worldSize }) => rank < worldSize, { path: ['rank'], message: 'a rank below worldSize' });

/**
 * One pass over a data set, batch by batch. What is in a batch depends on the seed, the epoch and the indices
 * alone: not on the number of workers, nor on where the pass begins.
 *
 * @returns uint8 pixels [n, height, width, channels], labels, indices of the images, and bad images as they
 *   are met. A stream gives batches until it ends.
 * @throws ERR_CONFIG for a wrong option or a transform that leaves sizes that differ; ERR_IMAGE, ERR_DATASET
 *   for bad images, as asked; ERR_CLOSED.
 * @example
 * for await (const { pixels, labels } of batches(photos, { batch: 64, training: true }))
 *   console.log(pixels.length, labels[0]);
 */
export async function* batches(
  images: Images,
  options: BatchesOptions = {},
): AsyncGenerator<ImageBatch, void> {
  const {
    epoch,
    start,
    rank,
    worldSize,
    imageSize,
    channels: wanted,
    ...pass
  } = parseOptions(schema, options, 'batches');
  const data = datasetOf(images);
  const channels = wanted ?? data.size?.channels ?? 3;
  const few = channels === 1 ? 1 : 3;
  const input = {
    channels,
    height: imageSize,
    width: imageSize,
    mean: imagenetMean.slice(0, few),
    std: imagenetStd.slice(0, few),
    ...preprocessingOf(imageSize, data.size === null ? {} : { transform: [] }),
  };
  const share = worldSize > 1 ? { rank, worldSize } : undefined;
  const spec = loaderSpec(data, input, { ...pass, share, device: 'cpu' });
  const { height, width } = spec;
  for await (const batch of readBatches(data, spec, { pass: pass.training ? epoch : 0, start }))
    yield { ...batch, height, width, channels };
}
