/** The largest batch that memory has room for, and the speed of batches of every size. */
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { isLmError } from '../errors.ts';
import type { Dataset } from '../loading/dataset.ts';
import type { Images } from '../loading/images.ts';
import { checkImages } from '../model/checkImages.ts';
import { copyOf, coreOf, type Model } from '../model/model.ts';
import { native } from '../native/load.ts';
import { trainSchema } from '../train/options.ts';
import { settingsForInput } from '../train/recipes.ts';
import type { TrainSettings, TrainSettingsInput } from '../train/settings.ts';
import { withTrial } from './trial.ts';

/** Options of `findBatch`. */
export interface FindBatchOptions {
  /** Largest batch that is tried, default 1024. */
  readonly most?: number | undefined;
  /** The training that the batch is for: optimiser, memory, loss, …; its batch does not matter. */
  readonly training?: TrainSettingsInput | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A batch that was tried. */
export interface BatchTrial {
  readonly batch: number;
  readonly fits: boolean;
  /** Images in a second of training; null for a batch that does not fit. */
  readonly imagesPerSecond: number | null;
  /**
   * Most bytes of tensors in main memory, the model's among them; null on a GPU, and for a batch that was not
   * run.
   */
  readonly bytes: number | null;
}

/** What `findBatch` found. */
export interface BatchSearch {
  /** The largest batch that fits; null when none did. */
  readonly largest: number | null;
  /** The batch of the highest speed among those tried; null when none fits. */
  readonly fastest: number | null;
  /** What ended the search: memory, the number of images, or `most`. */
  readonly limit: 'memory' | 'images' | 'most';
  /** In ascending order. */
  readonly trials: readonly BatchTrial[];
}

/** The schema of `most`; the flag of the command line is made of it. */
export const batchRangeSchema: z.ZodType<{ readonly most: number }, { readonly most?: number | undefined }> =
  z.object({ most: z.int().min(1).max(65_536).default(1024).describe('largest batch that is tried') });

/** The part of the free memory that a batch may take: the rest is for files, decoding, and other programs. */
const usable = 0.8;

/**
 * Finds the largest batch that fits into memory, by doubling and then halving the interval, with the speed of
 * every batch tried. The model stays as it is. On a GPU a batch does not fit when memory runs out. In main
 * memory an operating system ends a program that takes too much, so nothing is tried that would need more
 * than 80 % of what is free, by what smaller batches took. Images that grow have their largest size.
 *
 * @returns the largest batch to an eighth, the fastest one, and all trials: three steps each, two of them
 *   timed.
 * @throws ERR_CONFIG for a wrong option, ERR_SHAPE when the images do not fit the model, ERR_ABORTED,
 *   ERR_CLOSED.
 * @example
 * const { largest, trials } = await findBatch(model, digits, { training: { memory: { kind: 'reverse' } } });
 */
export async function findBatch(
  model: Model,
  images: Images,
  { most: wanted, training = {}, signal }: FindBatchOptions = {},
): Promise<BatchSearch> {
  const { most } = parseOptions(batchRangeSchema, { most: wanted }, 'findBatch');
  const settings = atLargest(parseOptions(trainSchema, settingsForInput(training, model.input), 'training'));
  const data = checkImages(coreOf(model), images, true);
  const end = Math.min(most, Math.floor((data.count ?? most) / settings.accumulate));
  await using copy = await copyOf(model);
  const trials: BatchTrial[] = [];
  const fits = async (batch: number): Promise<boolean> => {
    const trial = await tried(copy, data, { ...settings, batch }, trials, signal);
    trials.push(trial);
    return trial.fits;
  };
  let [good, bad] = [0, end + 1];
  while (bad - good > Math.max(1, good / 8)) {
    const next = bad > end ? Math.min(Math.max(8, 2 * good), end) : Math.floor((good + bad) / 2);
    if (await fits(next)) good = next;
    else bad = next;
    if (good === end) break;
  }
  trials.sort((a, b) => a.batch - b.batch);
  const speed = ({ imagesPerSecond }: BatchTrial): number => imagesPerSecond ?? 0;
  const fastest = trials.filter((trial) => trial.fits).toSorted((a, b) => speed(b) - speed(a))[0];
  return {
    largest: good === 0 ? null : good,
    fastest: fastest?.batch ?? null,
    limit: bad <= end ? 'memory' : end === most ? 'most' : 'images',
    trials,
  };
}

/** Settings of images that have their largest size from the beginning. */
function atLargest({ sizes, ...settings }: TrainSettings): TrainSettings {
  return { ...settings, sizes: sizes === undefined ? undefined : [Math.max(...sizes)] };
}

async function tried(
  copy: Model,
  data: Dataset,
  settings: TrainSettings,
  before: readonly BatchTrial[],
  signal: AbortSignal | undefined,
): Promise<BatchTrial> {
  const { batch } = settings;
  const none: BatchTrial = { batch, fits: false, imagesPerSecond: null, bytes: null };
  const inMain = copy.device === 'cpu';
  if (inMain && !hasRoom(expectedBytes(batch, before))) return none;
  try {
    native().memory(true);
    const { samples, seconds } = await withTrial(copy, data, settings, signal, async (steps) => {
      await steps([0]);
      return steps([0, 0]);
    });
    const bytes = inMain ? native().memory(false).peak : null;
    return { batch, fits: true, imagesPerSecond: samples / seconds, bytes };
  } catch (error) {
    if (isLmError(error, 'ERR_MEMORY')) return none;
    throw error;
  }
}

/**
 * What a batch takes, on the line through the two largest batches that were run; 0 when too little is known.
 */
function expectedBytes(batch: number, trials: readonly BatchTrial[]): number {
  const known = trials.flatMap((t) => (t.bytes === null ? [] : [{ batch: t.batch, bytes: t.bytes }]));
  const [b, a] = known.toSorted((x, y) => y.batch - x.batch);
  if (a === undefined || b === undefined) return 0;
  return b.bytes + ((b.bytes - a.bytes) * (batch - b.batch)) / (b.batch - a.batch);
}

/** Whether main memory has room for so many bytes of tensors, those there are included. */
function hasRoom(bytes: number): boolean {
  const { live, cached } = native().memory(false);
  return bytes - live - cached <= usable * process.availableMemory();
}
