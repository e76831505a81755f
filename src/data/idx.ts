/**
 * IDX files, the format of MNIST and its relatives: two zero bytes, the element type (8: uint8), the number of dimensions,
 * the dimensions (uint32, big-endian), the values. Plain or gzipped, told apart by content.
 */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { LmError } from '../errors.ts';
import { fileError } from '../files.ts';
import { type ImageSet, imageSet } from './imageSet.ts';

/** Gray images of an IDX file. */
export interface IdxImages {
  /** Pixels, uint8 [count, height, width]. */
  readonly images: Uint8Array;
  readonly count: number;
  readonly height: number;
  readonly width: number;
}

/** The largest file that is unpacked, in bytes: several times the largest that is published. */
const maxBytes = 4 * 2 ** 30 - 1;

/**
 * Reads the images of an IDX file (`train-images-idx3-ubyte`, or its `.gz`).
 *
 * @throws ERR_DATASET naming the file when it is empty, cut off, or not an IDX file of images; ERR_FILE when it cannot be read.
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
 * @throws ERR_DATASET naming the file when it is empty, cut off, or not an IDX file of labels; ERR_FILE when it cannot be read.
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

async function readIdx(
  path: string,
  rank: number,
  what: string,
): Promise<{ sizes: number[]; values: Uint8Array }> {
  const bytes = await unpacked(path);
  if (bytes.length === 0) throw bad(path, 'an empty file');
  const start = 4 + 4 * rank;
  const magic = bytes.length >= 4 ? bytes.readUInt32BE() : -1;
  if (magic !== 0x800 + rank) throw bad(path, `no IDX file of ${what}${other(magic)}`);
  if (bytes.length < start) throw bad(path, 'a file that is cut off in its header');
  const sizes = Array.from({ length: rank }, (_, i) => bytes.readUInt32BE(4 + 4 * i));
  const length = sizes.reduce((n, d) => n * d, 1);
  if (bytes.length !== start + length)
    throw bad(path, `${bytes.length - start} bytes of values where its header says ${length}`);
  if (sizes[0] === 0) throw bad(path, `no ${what} at all`);
  return { sizes, values: new Uint8Array(bytes.buffer, bytes.byteOffset + start, length) };
}

async function unpacked(path: string): Promise<Buffer> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw fileError(cause, 'a readable file', path);
  });
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    throw bad(path, 'a gzip file that is damaged or cut off', cause);
  }
}

function other(magic: number): string {
  if (magic === 0x801) return ', but one of labels';
  if (magic === 0x803) return ', but one of images';
  return '';
}

function bad(path: string, received: string, cause?: unknown): LmError {
  const hint =
    'Download the file again and compare its size; names and roles of the files must not be mixed up.';
  return new LmError('ERR_DATASET', `Expected a sound IDX file for \`${path}\` but received ${received}`, {
    hint,
    cause,
  });
}
