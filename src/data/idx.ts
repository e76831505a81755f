/**
 * IDX files, the format of MNIST and its relatives: two zero bytes, the element type (8: uint8), the number
 * of dimensions, the dimensions (uint32, big-endian), the values. Plain or gzipped, told apart by content.
 */
import { basename } from 'node:path';
import { LmError } from '../errors.ts';
import { tooLarge } from '../files.ts';
import { withBytes } from './byteStream.ts';
import { type ImageSet, imageSet } from './imageSet.ts';

/** Gray images of an IDX file. */
export interface IdxImages {
  /** Pixels, uint8 [count, height, width]. */
  readonly images: Uint8Array;
  readonly count: number;
  readonly height: number;
  readonly width: number;
}

/** The most values that are read, in bytes: twice as many as the largest published file has (EMNIST). */
const maxBytes = 2 ** 30;
/** The most labels. */
const maxLabels = 2 ** 24;
/** What a gzipped file of more values may unpack to for each of its bytes; the published ones come to 5. */
const maxRatio = 50;
/** Values that no gzipped file is too small for, in bytes. */
const freeBytes = 64 * 2 ** 20;
const hint =
  'Download the file again and compare its size; names and roles of the files must not be mixed up.';

/**
 * Reads the images of an IDX file (`train-images-idx3-ubyte`, or its `.gz`).
 *
 * @throws ERR_DATASET naming the file when it is empty, cut off, or not an IDX file of images; ERR_FILE when
 *   it cannot be read.
 * @example
 * const { images, count, height, width } = await readIdxImages('train-images-idx3-ubyte');
 */
export async function readIdxImages(path: string): Promise<IdxImages> {
  const { sizes, values } = await readIdx(path, 3, 'images');
  const [count = 0, height = 0, width = 0] = sizes;
  if (height === 0 || width === 0) throw bad(path, `images of ${height} x ${width} pixels`);
  return { images: values, count, height, width };
}

/**
 * Reads the labels of an IDX file (`train-labels-idx1-ubyte`, or its `.gz`), int32 [count].
 *
 * @throws ERR_DATASET naming the file when it is empty, cut off, or not an IDX file of labels; ERR_FILE when
 *   it cannot be read.
 * @example
 * const labels = await readIdxLabels('train-labels-idx1-ubyte');
 */
export async function readIdxLabels(path: string): Promise<Int32Array> {
  return Int32Array.from((await readIdx(path, 1, 'labels')).values);
}

/**
 * Reads a pair of IDX files, images and labels, as one set.
 *
 * @param paths the file of images, then the file of labels.
 * @throws ERR_DATASET as above, and when the counts differ or a label is not in [0, classes); ERR_FILE.
 * @example
 * await readIdxSet('mnist', ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte'], digits);
 */
export async function readIdxSet(
  name: string,
  paths: readonly string[],
  classNames: readonly string[],
): Promise<ImageSet> {
  const [imagesPath = '', labelsPath = ''] = paths;
  const { images, count, height, width } = await readIdxImages(imagesPath);
  const labels = await readIdxLabels(labelsPath);
  if (labels.length !== count)
    throw bad(labelsPath, `${labels.length} labels for the ${count} images of ${basename(imagesPath)}`);
  const wrong = labels.findIndex((label) => label >= classNames.length);
  if (wrong >= 0)
    throw bad(labelsPath, `label ${labels[wrong]} at ${wrong}: the set has ${classNames.length} classes`);
  return imageSet({ name, images, labels, height, width, channels: 1, classNames });
}

function readIdx(path: string, rank: number, what: string): Promise<{ sizes: number[]; values: Uint8Array }> {
  return withBytes(path, hint, async ({ bytes, size, gzipped }) => {
    if (size > maxBytes) throw tooLarge(path, size, maxBytes);
    const header = await bytes.take(4 + 4 * rank);
    if (header.length === 0) throw bad(path, 'an empty file');
    const magic = header.length >= 4 ? header.readUInt32BE() : -1;
    if (magic !== 0x800 + rank) throw bad(path, `no IDX file of ${what}${other(magic)}`);
    if (header.length < 4 + 4 * rank) throw bad(path, 'a file that is cut off in its header');
    const sizes = Array.from({ length: rank }, (_, i) => header.readUInt32BE(4 + 4 * i));
    const length = sizes.reduce((n, d) => n * d, 1);
    if (sizes[0] === 0) throw bad(path, `no ${what} at all`);
    const most = gzipped ? Math.max(freeBytes, maxRatio * size) : size - header.length;
    if (length > Math.min(most, rank === 1 ? maxLabels : maxBytes))
      throw bad(path, `${size} bytes${gzipped ? ', gzipped,' : ''} where its header says ${length} values`);
    const values = await bytes.take(length);
    if (values.length < length)
      throw bad(path, `${values.length} bytes of values where its header says ${length}`);
    if ((await bytes.skip(1)) > 0) throw bad(path, `more bytes of values than the ${length} of its header`);
    return { sizes, values };
  });
}

function other(magic: number): string {
  if (magic === 0x801) return ', but one of labels';
  if (magic === 0x803) return ', but one of images';
  return '';
}

function bad(path: string, received: string, cause?: unknown): LmError {
  return new LmError('ERR_DATASET', `Expected a sound IDX file for \`${path}\` but received ${received}`, {
    hint,
    cause,
  });
}
