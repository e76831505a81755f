/** Loaders of pixels in memory, as tests of the native side describe them. */
import type { NativeLoaderSpec, RawSize } from '../../src/native/binding.ts';

/** Batches of a training: shuffled by the seed, made on the thread that asks. */
export function trainingLoader(
  { height, width, channels }: RawSize,
  batch: number,
  seed = 0,
): NativeLoaderSpec {
  return {
    height,
    width,
    channels,
    batch,
    seed,
    training: true,
    transform: [],
    mean: [],
    std: [],
    rank: 0,
    worldSize: 1,
    augRepeats: 1,
    classes: null,
    workers: 0,
    prefetch: 1,
    pinned: false,
    decoding: { maxPixels: 1e8, exif: true, sixteenBit: 'scale' },
    onBadImage: 'replace',
    badImageLimit: 0,
  };
}

/** Batches of an evaluation: every image once, in order. */
export function evaluationLoader(size: RawSize, batch: number): NativeLoaderSpec {
  return { ...trainingLoader(size, batch), training: false };
}
