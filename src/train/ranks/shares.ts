/** What each rank has of a step, and what of that a run must keep when it goes on with other ranks. */
import { expected } from '../../errors.ts';
import type { TrainSettings } from '../settings.ts';

/** Batches with fewer images have statistics of all ranks, unless the settings say otherwise. */
const fewImages = 16;

/**
 * The settings of one rank: its batch is its share of `globalBatch`, where there is one.
 *
 * @throws ERR_CONFIG when the ranks cannot share it evenly.
 */
export function withShare(settings: TrainSettings, worldSize: number): TrainSettings {
  const { globalBatch, accumulate } = settings;
  if (globalBatch === undefined) return settings;
  const batches = worldSize * accumulate;
  if (globalBatch % batches === 0) return { ...settings, batch: globalBatch / batches };
  const parts = [worldSize > 1 ? `${worldSize} ranks` : '', accumulate > 1 ? `${accumulate} batches` : ''];
  const what = `a multiple of ${batches}, for ${parts.filter(Boolean).join(' x ')}`;
  throw expected('ERR_CONFIG', what, 'train.globalBatch', globalBatch);
}

/** Whether batch statistics are those of the images of all ranks. */
export function sharesStatistics({ syncBn, batch, globalBatch }: TrainSettings, worldSize: number): boolean {
  return worldSize === 1 || (syncBn ?? (globalBatch !== undefined || batch < fewImages));
}

/** Numbers that are the same wherever the same training goes on, on however many ranks. */
export interface Shares {
  readonly imagesPerStep: number;
  /** That batch statistics are of. */
  readonly imagesPerNorm: number;
  /** Where copies of images go to different ranks, or odd batches are mixed; else null. */
  readonly worldSize: number | null;
}

/** What of the sharing of a step its result depends on. */
export function sharesOf(settings: TrainSettings, worldSize: number): Shares {
  const { batch, accumulate, augRepeats, mixup, cutmix } = settings;
  const isMixedUnevenly = batch % 2 === 1 && (mixup > 0 || cutmix > 0);
  return {
    imagesPerStep: batch * accumulate * worldSize,
    imagesPerNorm: batch * (sharesStatistics(settings, worldSize) ? worldSize : 1),
    worldSize: augRepeats > 1 || isMixedUnevenly ? worldSize : null,
  };
}
