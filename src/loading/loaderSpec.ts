/**
 * How images get into batches: the options of a loader, and what they come to for a data set and a network.
 */
import { z } from 'zod';
import { defaultThreads } from '../cores.ts';
import { expected } from '../errors.ts';
import type { NativeLoaderSpec, RawSize } from '../native/binding.ts';
import { decodingOf, maxPixels } from '../transforms/decoding.ts';
import { nativeTransform } from '../transforms/nativeTransform.ts';
import { imagenetTrain, outputSize, type Transform } from '../transforms/transforms.ts';
import { matchClasses, type NamedClasses } from './classNames.ts';
import type { Dataset } from './dataset.ts';
import type { ModelInput } from './modelInput.ts';

/** Options of a loader, defaults filled in. */
export interface LoadingOptions {
  /**
   * Threads that read, decode and augment; 0: batches are made between the steps. Default: a quarter of the
   * cores, at least one; 0 for pixels in memory that no transform changes, 1 for a stream of them.
   */
  readonly workers: number | undefined;
  /** Batches that are made ahead, default 2. */
  readonly prefetch: number;
  /**
   * An image that cannot be used is replaced by another (default; left out of an evaluation) and told of, or
   * ends the work.
   */
  readonly onBadImage: 'replace' | 'throw';
  /** So many different bad images are tolerated, default 100. */
  readonly badImageLimit: number;
}

/** The options of a loader, in the schemas of those who have one. */
export const loadingShape: {
  readonly [K in keyof LoadingOptions]: z.ZodType<LoadingOptions[K], LoadingOptions[K] | undefined>;
} = {
  workers: z
    .int()
    .min(0)
    .max(1024)
    .optional()
    .describe('threads that read, decode and augment images (default: a quarter of the cores)'),
  prefetch: z.int().min(1).max(1000).default(2).describe('batches that are made ahead'),
  onBadImage: z
    .enum(['replace', 'throw'])
    .default('replace')
    .describe('an image that cannot be used: replace it by another and tell, or throw'),
  badImageLimit: z.int().min(0).default(100).describe('so many bad images are tolerated'),
};

/** The share of a rank. */
export interface Share {
  readonly rank: number;
  readonly worldSize: number;
}

/** What a pass over a data set is for. */
export interface Pass extends LoadingOptions {
  readonly batch: number;
  /** Only the first so many batches of a pass that is no training; default all. */
  readonly batches?: number | undefined;
  readonly seed: number;
  readonly training: boolean;
  /** Training: each image so often in an epoch, default 1. */
  readonly augRepeats?: number | undefined;
  readonly device: string;
  /** Which share of every batch of all ranks together; default: this process is the only one. */
  readonly share?: Share | undefined;
  /** The classes that labels are to be of, see `matchClasses`; default: the data set's own. */
  readonly classes?: NamedClasses | undefined;
}

/**
 * Checks that a rank's own part of a data set is trained on by the ranks that have it, and nothing else.
 *
 * @throws ERR_CONFIG.
 */
function checkPart({ name, part }: Dataset, { training, share }: Pass): void {
  if (part === null) return;
  const { rank, worldSize } = part;
  if (training && share?.rank === rank && share.worldSize === worldSize) return;
  const use = `${training ? 'training' : 'evaluation'} by ${share === undefined ? 'one process' : `rank ${share.rank} of ${share.worldSize}`}`;
  throw expected(
    'ERR_CONFIG',
    `a training by rank ${rank} of ${worldSize}, whose own shards these are,`,
    name,
    use,
    { hint: 'Give `ranks` to `train`; to evaluate, open the shards without `splitShards`.' },
  );
}

/**
 * What the native loader is told: the transform of the data set, or the usual one of the purpose, as
 * `transformOf` has it.
 *
 * @throws ERR_CONFIG when the transform leaves images of different sizes; for a part of a data set that is
 *   another rank's.
 */
export function loaderSpec(data: Dataset, input: ModelInput, pass: Pass): NativeLoaderSpec {
  checkPart(data, pass);
  const { batch, batches = 0, seed, prefetch, onBadImage, badImageLimit } = pass;
  const transform = transformOf(data, input, pass.training);
  const [height, width] = sizeAfter(transform, data);
  const training = pass.training && data.count !== null; // a stream has its own order
  const untouched = data.size !== null && transform.length === 0;
  // Nobody knows when the next of a stream comes: a thread of its own waits for it.
  const copying = data.count === null ? 1 : 0;
  return {
    batch,
    batches,
    seed,
    classes: pass.classes === undefined ? null : matchClasses(data, pass.classes).classes,
    training,
    prefetch,
    onBadImage,
    badImageLimit,
    transform: nativeTransform(transform),
    height,
    width,
    decoding: { maxPixels, ...decodingOf(data.decoding, input) },
    channels: input.channels,
    mean: input.mean,
    std: input.std,
    rank: pass.share?.rank ?? 0,
    worldSize: pass.share?.worldSize ?? 1,
    own: data.part !== null,
    augRepeats: pass.augRepeats ?? 1,
    pinned: pass.device.startsWith('cuda'),
    workers: pass.workers ?? (untouched ? copying : Math.max(1, Math.floor(defaultThreads() / 4))),
  };
}

/** Height and width of a data set's images in a batch of a network. */
export function batchSize(data: Dataset, input: ModelInput, training: boolean): readonly [number, number] {
  return sizeAfter(transformOf(data, input, training), data);
}

/**
 * What happens to the images of a data set on their way to a network: its own transform, or the usual one of
 * the purpose. For a training pixels stay as they are, and files get `imagenetTrain` at the size of the
 * network's input; for an evaluation both get what the model's evaluations have, but pixels of that size.
 */
export function transformOf(data: Dataset, input: ModelInput, training: boolean): Transform {
  if (data.transform !== undefined) return data.transform;
  if (data.size === null) return training ? imagenetTrain([input.height, input.width]) : input.transform;
  return training || keepsSize(input.transform, data.size) ? [] : input.transform;
}

/** Whether images of this size have it after a transform too. */
export function keepsSize(transform: Transform, { height, width }: RawSize): boolean {
  return outputSize(transform, [height, width])?.join() === [height, width].join();
}

/** What is told of pixels that an evaluation brings to the size of its model. */
export function sizeNotes(data: Dataset, input: ModelInput): readonly string[] {
  if (data.transform !== undefined || data.size === null || keepsSize(input.transform, data.size)) return [];
  const to = batchSize(data, input, false).join(' x ');
  return [`${data.name}: its pixels are resized to ${to}, the size of the model's images`];
}

function sizeAfter(transform: Transform, { size, name }: Dataset): readonly [number, number] {
  const after = outputSize(transform, size === null ? null : [size.height, size.width]);
  if (after !== null) return after;
  throw expected('ERR_CONFIG', 'a transform that gives all images one size', `${name}.transform`, transform, {
    hint: "Add one that ends in a size, such as { kind: 'centerCrop', size: 224 }.",
  });
}
