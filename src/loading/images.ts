/**
 * Images in memory on their way to the native side: copied once, then shared by every training and
 * evaluation.
 */
import { expected } from '../errors.ts';
import type { ChannelStatistics } from './channelStatistics.ts';
import { Dataset } from './dataset.ts';

/** Labelled images of one size in memory; `imageSet` and `loadDataset` make and check them. */
export interface LabelledImages {
  /** Pixels, uint8 [count, height, width, channels]. */
  readonly images: Uint8Array;
  /** Class of every image, int32 [count]. */
  readonly labels: Int32Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classNames?: readonly string[];
  /** What pixels are normalised with, where it is known without looking at them. */
  readonly statistics?: ChannelStatistics | undefined;
}

/** What training and evaluation read: images in memory, or a data set that `openDataset` opened. */
export type Images = LabelledImages | Dataset;

const datasets = new WeakMap<LabelledImages, Dataset>();

/**
 * The data set of images in memory, made at first use and freed with them; a data set as it is.
 *
 * @throws ERR_CONFIG when it is neither.
 */
export function datasetOf(images: Images): Dataset {
  if (images instanceof Dataset) return images;
  if (!(images?.images instanceof Uint8Array && images.labels instanceof Int32Array))
    throw expected('ERR_CONFIG', 'a data set, or labelled images such as imageSet makes,', 'data', images);
  const known = datasets.get(images);
  if (known !== undefined) return known;
  const { labels, height, width, channels, statistics } = images;
  const size = { height, width, channels };
  const name = 'name' in images && typeof images.name === 'string' ? images.name : 'memory';
  const parts = { name, classNames: images.classNames ?? [], labels, size, statistics };
  const made = new Dataset(parts, { kind: 'memory', images: images.images, labels, ...size });
  datasets.set(images, made);
  return made;
}
