/** What each rank has of a step, and what a run must keep when it goes on with other ranks. */
import { describe, expect, it } from 'vitest';
import { trainSchema } from '../../../src/train/options.ts';
import { sharesOf, withShare } from '../../../src/train/ranks/shares.ts';
import type { TrainSettingsInput } from '../../../src/train/settings.ts';

const share = (input: TrainSettingsInput, worldSize: number) =>
  withShare(trainSchema.parse(input), worldSize);

describe('globalBatch', () => {
  it.each([
    [1, 1, 24],
    [4, 1, 6],
    [4, 2, 3],
  ])('gives each of %i ranks that take %i batches %i images', (worldSize, accumulate, batch) => {
    expect(share({ globalBatch: 24, accumulate }, worldSize).batch).toBe(batch);
  });

  it('cannot be shared by ranks that do not divide it', () => {
    const wrong = /multiple of 10, for 5 ranks x 2 batches for `train.globalBatch` but received 24/;
    expect(() => share({ globalBatch: 24, accumulate: 2 }, 5)).toThrow(wrong);
  });
});

describe('the shares of a run that goes on', () => {
  it.each<[string, boolean, TrainSettingsInput, number, TrainSettingsInput, number]>([
    ['the same global batch', true, { globalBatch: 32 }, 4, { globalBatch: 32 }, 2],
    ['a global batch, and one process with it', true, { globalBatch: 32 }, 4, { batch: 32 }, 1],
    ['as many images with sync batch norm', true, { batch: 8 }, 4, { batch: 16, syncBn: true }, 2],
    ['as many images with statistics of its own', false, { batch: 8 }, 4, { batch: 16 }, 2],
    ['fewer images in a step', false, { batch: 32 }, 4, { batch: 32 }, 2],
    ['odd batches that are mixed', false, { batch: 3, mixup: 1 }, 2, { batch: 6, mixup: 1 }, 1],
    ['even batches that are mixed', true, { batch: 4, mixup: 1 }, 2, { batch: 8, mixup: 1 }, 1],
    ['copies of images', false, { batch: 4, augRepeats: 3 }, 2, { batch: 8, augRepeats: 3 }, 1],
  ])('of %s are the same: %s', (_, same, before, worldBefore, after, worldAfter) => {
    const [there, here] = [
      sharesOf(share(before, worldBefore), worldBefore),
      sharesOf(share(after, worldAfter), worldAfter),
    ];
    if (same) expect(here).toEqual(there);
    else expect(here).not.toEqual(there);
  });
});
