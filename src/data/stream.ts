/** Images that JavaScript hands over one by one. */
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { expected } from '../errors.ts';
import { decodable } from '../images/foreign.ts';
import { type Bytes, bytesIn, formatOf } from '../images/imageFile.ts';
import { Dataset } from '../loading/dataset.ts';
import type { Share } from '../loading/loaderSpec.ts';
import type { RawSize } from '../native/binding.ts';
import { decodingShape } from '../transforms/decoding.ts';
import type { TransformInput } from '../transforms/transforms.ts';
import { transformSchema } from '../transforms/transforms.ts';

/** A sample: bytes of an image file of any format, or pixels where the stream says their size. */
export interface StreamSample {
  readonly image: Bytes;
  readonly label: number;
}

/** Options of `fromAsyncIterable`. */
export interface StreamOptions {
  readonly classNames: readonly string[];
  /** Size of samples that are pixels, uint8 [height, width, channels]; left out: samples are files. */
  readonly size?: RawSize | undefined;
  readonly transform?: TransformInput | undefined;
  /** How files become pixels; what is left out is the model's: upright by EXIF, the upper 8 of 16 bits. */
  readonly exif?: boolean | undefined;
  readonly sixteenBit?: 'scale' | 'clip' | undefined;
  /**
   * What takes this process's part of the stream: every `worldSize`-th sample, beginning with number `rank`.
   * What `joinRanks` gave will do, where all ranks iterate over the same samples. Default: all of them.
   */
  readonly share?: Share | null | undefined;
  /** Samples that are taken ahead of their use, default 256. */
  readonly capacity?: number | undefined;
  /** Name in messages, default "stream". */
  readonly name?: string | undefined;
}

const side = z.int().min(1).max(16_383);
const schema = z.object({
  classNames: z.array(z.string()).min(1),
  size: z
    .strictObject({ height: side, width: side, channels: z.union([z.literal(1), z.literal(3)]) })
    .optional(),
  transform: transformSchema.optional(),
  ...decodingShape,
  share: z.object({ rank: z.int().min(0), worldSize: z.int().min(1) }).nullish(),
  capacity: z.int().min(1).max(1_000_000).default(256),
  name: z.string().default('stream'),
});

/**
 * A data set of samples that an iterable gives, for sources that nothing else reads: a database, a socket, a
 * generator. It is read once, as it comes: there are no epochs, no shuffling, and **no resuming** (a training
 * on it needs `steps` and starts anew when it was stopped); the order within a batch may vary with more than
 * one worker. The iterable waits while `capacity` samples are not used yet.
 *
 * @throws ERR_CONFIG for a wrong option. What the iterable throws, and a sample that is none, ends the work
 *   that reads it with ERR_DATASET.
 * @example
 * // rows() yields { image: Uint8Array, label: number }
 * const data = fromAsyncIterable(rows(), { classNames: ['cat', 'dog'] });
 * await train(model, { train: data }, { steps: 1000 });
 */
export function fromAsyncIterable(
  samples: AsyncIterable<StreamSample> | Iterable<StreamSample>,
  options: StreamOptions,
): Dataset {
  const { classNames, size, transform, exif, sixteenBit, share, capacity, name } = parseOptions(
    schema,
    options,
    'stream',
  );
  if (
    typeof samples !== 'object' ||
    samples === null ||
    !(Symbol.asyncIterator in samples || Symbol.iterator in samples)
  )
    throw expected('ERR_CONFIG', 'an iterable of samples', 'samples', samples);
  const parts = {
    name,
    classNames,
    labels: null,
    size: size ?? null,
    transform,
    decoding: { exif, sixteenBit },
  };
  const data = new Dataset(parts, { kind: 'stream', classes: classNames.length, capacity, ...size });
  void hand(samples, data, share ?? { rank: 0, worldSize: 1 });
  return data;
}

/** The bytes that a source takes: pixels, or a file that is decoded natively. */
async function imageOf(sample: StreamSample, { name, size }: Dataset): Promise<Uint8Array> {
  const bytes = bytesIn(sample?.image);
  if (bytes === null)
    throw expected('ERR_DATASET', 'an image as a Uint8Array', `${name}.image`, sample?.image);
  const format = formatOf(bytes);
  if (size !== null && format !== null)
    throw expected('ERR_DATASET', 'pixels of the size of the stream', `${name}.image`, `a ${format} file`, {
      hint: 'Leave out `size` for samples that are files.',
    });
  // what cannot be decoded is told of by its reader
  return size === null ? decodable(bytes).catch(() => bytes) : bytes;
}

/** Hands samples over until there are no more, or nobody reads them. */
async function hand(
  samples: AsyncIterable<StreamSample> | Iterable<StreamSample>,
  data: Dataset,
  { rank, worldSize }: Share,
): Promise<void> {
  const { source } = data;
  let number = 0;
  try {
    for await (const sample of samples) {
      if (number++ % worldSize !== rank) continue;
      if (!(await source.push(await imageOf(sample, data), sample.label))) break;
    }
    source.end();
  } catch (error) {
    source.fail(error instanceof Error ? error.message : String(error));
  }
}
