/** Transforms of single images by the addon. */
import { createHash } from 'node:crypto';
import type { NativeDecoding } from '../../../src/native/binding.ts';
import { nativeTransform } from '../../../src/transforms/nativeTransform.ts';
import { parseTransform, type TransformInput } from '../../../src/transforms/transforms.ts';
import { addon } from '../addon.ts';

export type Extent = readonly [height: number, width: number];
/** Level of channel c at column x and row y. */
export type Levels = (x: number, y: number, c: number) => number;

/** An image. */
export interface Result {
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
}

export const mean = [0.485, 0.456, 0.406];
export const std = [0.229, 0.224, 0.225];
export const decoding: NativeDecoding = { maxPixels: 1e6, exif: true, sixteenBit: 'scale' };

/** A transform of an image file, or of pixels [h, w, 3] when their size is given. */
export function transformed(
  image: Uint8Array,
  transform: TransformInput,
  index = 0,
  size?: Extent,
): Promise<Result> {
  const raw = size === undefined ? {} : { height: size[0], width: size[1], channels: 3 };
  const drawn = { seed: 1, epoch: 2, index };
  return addon().transformImage(image, {
    transform: nativeTransform(parseTransform(transform)),
    mean,
    std,
    decoding,
    ...raw,
    ...drawn,
  });
}

/** Pixels [h, w, 3] by a formula. */
export function pixels([height, width]: Extent, levels: Levels): Uint8Array {
  return Uint8Array.from({ length: height * width * 3 }, (_, i) => {
    const place = Math.floor(i / 3);
    return levels(place % width, Math.floor(place / width), i % 3);
  });
}

/** Gradients and noise, the formula of scripts/reference/images/transforms.py. */
export const noisy: Levels = (x, y, c) =>
  (x * 10 + y * 6 + c * 40 + ((x * x * 31 + y * y * 17 + x * y * 13 + c * 29) % 61)) % 256;

/** Short hash of an image's bytes. */
export const sha = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex').slice(0, 16);

/** Results for indices 0 … n - 1. */
export function many(
  image: Uint8Array,
  size: Extent,
  transform: TransformInput,
  n: number,
): Promise<Result[]> {
  return Promise.all(Array.from({ length: n }, (_, i) => transformed(image, transform, i, size)));
}
