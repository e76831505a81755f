/** Images and labels in memory: what every importer returns and every source takes. */
import { expected } from '../errors.ts';
import type { ChannelStatistics } from '../loading/channelStatistics.ts';
import type { LabelledImages } from '../loading/images.ts';
import { must } from '../must.ts';
import { numberedClasses } from './classNumbers.ts';

/** A labelled set of images of one size. */
export interface ImageSet {
  readonly name: string;
  /** Pixels, uint8 [count, height, width, channels]. */
  readonly images: Uint8Array;
  /** Class of every image, int32 [count], in [0, classNames.length). */
  readonly labels: Int32Array;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classNames: readonly string[];
  /** Those that were published with a known data set; default: unknown until they are computed. */
  readonly statistics?: ChannelStatistics | undefined;
}

/** What `imageSet` takes; labels may be any array of integers. */
export interface ImageSetInput {
  readonly images: Uint8Array | Uint8ClampedArray;
  readonly labels: ArrayLike<number>;
  readonly height: number;
  readonly width: number;
  /** 1 (gray) or 3 (RGB), interleaved. */
  readonly channels: number;
  /** Default: "0", "1", … up to the highest label. */
  readonly classNames?: readonly string[];
  /** Name in messages and reports, default "memory". */
  readonly name?: string;
}

/**
 * An image set of arrays in memory, checked. Pixels are not copied: do not change them while the set is in
 * use.
 *
 * @throws ERR_DATASET when it is empty, a length does not fit, or a label is not an integer in [0, classes);
 *   ERR_CONFIG for sizes that are not positive integers, channels other than 1 and 3, class names that
 *   repeat, or pixels that are not bytes.
 * @example
 * imageSet({ images: new Uint8Array(2 * 28 * 28), labels: [0, 1], height: 28, width: 28, channels: 1 });
 */
export function imageSet(input: ImageSetInput): ImageSet {
  if (typeof input?.labels?.length !== 'number')
    throw expected('ERR_CONFIG', 'images and labels', 'imageSet', input);
  const { height, width, channels, name = 'memory' } = input;
  const images = asBytes(input.images);
  checkSizes(height, width, channels);
  const count = input.labels.length;
  if (count === 0) throw expected('ERR_DATASET', 'at least one image', `${name}.labels.length`, 0);
  const bytes = count * height * width * channels;
  if (images.length !== bytes) {
    const what = `${bytes} bytes (${count} labels x ${height} x ${width} x ${channels})`;
    throw expected('ERR_DATASET', what, `${name}.images.length`, images.length);
  }
  const classNames = checkNames(input.classNames ?? numbered(input.labels, name));
  const labels = checkLabels(input.labels, classNames.length, name);
  return { name, images, labels, count, height, width, channels, classNames };
}

/**
 * Labels as int32, each checked to lie in [0, classes).
 *
 * @param name of the set or file, for the message.
 * @throws ERR_DATASET with the place of the first wrong label.
 */
export function checkLabels(labels: ArrayLike<number>, classes: number, name: string): Int32Array {
  const out = new Int32Array(labels.length);
  for (let i = 0; i < labels.length; i++) {
    const label = must(labels[i]);
    if (!Number.isInteger(label) || label < 0 || label >= classes)
      throw expected('ERR_DATASET', `a label in [0, ${classes})`, `${name}.labels[${i}]`, label);
    out[i] = label;
  }
  return out;
}

/**
 * Mean and (population) standard deviation of every channel over all pixels of a set, in units of 1 = white:
 * the values to normalise with. Exact: computed from the histogram.
 *
 * @example
 * const { mean, std } = channelStatistics(await loadDataset('mnist', folder, 'train')); // [0.1307], [0.3081]
 */
export function channelStatistics(set: Pick<LabelledImages, 'images' | 'channels'>): ChannelStatistics {
  if (!(set?.images instanceof Uint8Array))
    throw expected('ERR_CONFIG', 'images in memory', 'channelStatistics', set);
  const { images, channels } = set;
  const histogram = new Float64Array(256 * channels);
  for (let i = 0; i < images.length; i++) {
    const bin = must(images[i]) * channels + (i % channels);
    histogram[bin] = must(histogram[bin]) + 1;
  }
  const n = images.length / channels;
  const moment = (c: number, f: (x: number) => number): number => {
    let sum = 0;
    for (let v = 0; v < 256; v++) sum += must(histogram[v * channels + c]) * f(v / 255);
    return sum / n;
  };
  const mean = Array.from({ length: channels }, (_, c) => moment(c, (x) => x));
  const std = mean.map((m, c) => Math.sqrt(moment(c, (x) => (x - m) ** 2)));
  return { mean, std };
}

function asBytes(images: unknown): Uint8Array {
  if (images instanceof Uint8Array) return images;
  if (images instanceof Uint8ClampedArray)
    return new Uint8Array(images.buffer, images.byteOffset, images.byteLength);
  throw expected('ERR_CONFIG', 'a Uint8Array', 'images', images);
}

function checkSizes(height: number, width: number, channels: number): void {
  for (const [name, value] of Object.entries({ height, width }))
    if (!Number.isSafeInteger(value) || value < 1)
      throw expected('ERR_CONFIG', 'a positive integer', name, value);
  if (channels !== 1 && channels !== 3)
    throw expected('ERR_CONFIG', '1 (gray) or 3 (RGB)', 'channels', channels);
}

function checkNames(names: readonly string[]): readonly string[] {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw expected('ERR_CONFIG', 'unique names', 'classNames', twice);
  if (names.length === 0) throw expected('ERR_CONFIG', 'at least one name', 'classNames', names);
  return names;
}

function numbered(labels: ArrayLike<number>, name: string): string[] {
  let highest = 0;
  for (let i = 0; i < labels.length; i++) highest = Math.max(highest, must(labels[i]));
  // What is no label is told of with its place.
  return Number.isSafeInteger(highest) ? numberedClasses(highest, labels.length, name) : ['0'];
}
