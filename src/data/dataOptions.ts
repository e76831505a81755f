/** What a new model takes from the data that it is to be trained on. */

import type { ChannelStatistics } from '../loading/channelStatistics.ts';
import { Dataset } from '../loading/dataset.ts';
import { datasetOf, type Images } from '../loading/images.ts';
import { imagenetMean, imagenetStd, outputSize } from '../transforms/transforms.ts';
import { channelStatistics } from './imageSet.ts';

/** Options of a model for a data set, as `createModel` and `preset` have them. */
export interface DataOptions extends Partial<ChannelStatistics> {
  /** Size of images that are pixels, as their transform gives them; files are brought to the network's. */
  readonly input?: readonly [channels: number, height: number, width: number];
  readonly classes: number;
  /** Not there where the classes are not named. */
  readonly classNames?: readonly string[];
}

/**
 * Size, mean and deviation of the pixels, and the classes of a data set: the published statistics of a known
 * one, those of its pixels for other images in memory, ImageNet's for files.
 *
 * @throws ERR_CONFIG when it is no data set.
 */
export function dataOptions(images: Images): DataOptions {
  const { size, classNames, labels, transform = [] } = datasetOf(images);
  const named = classNames.length > 0;
  const highest = labels?.reduce((a, b) => Math.max(a, b), 0) ?? 0;
  const classes = named ? { classes: classNames.length, classNames } : { classes: highest + 1 };
  if (size === null) return { ...classes, mean: imagenetMean, std: imagenetStd };
  const { channels } = size;
  const [height, width] = outputSize(transform, [size.height, size.width]) ?? [size.height, size.width];
  return { ...classes, ...statisticsOf(images), input: [channels, height, width] };
}

function statisticsOf(images: Images): Partial<ChannelStatistics> {
  const known = images.statistics;
  if (known !== undefined || images instanceof Dataset) return known ?? {};
  const { mean, std } = channelStatistics(images);
  return { mean, std: std.map((deviation) => deviation || 1) }; // a channel that is the same everywhere
}
