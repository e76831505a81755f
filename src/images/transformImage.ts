import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { expected, isLmError } from '../errors.ts';
import type { NativeTransformSpec } from '../native/binding.ts';
import { native } from '../native/load.ts';
import { decodingOf, decodingShape, maxPixels } from '../transforms/decoding.ts';
import { nativeTransform } from '../transforms/nativeTransform.ts';
import { imagenetMean, imagenetStd, parseTransform, type TransformInput } from '../transforms/transforms.ts';
import { decodable } from './foreign.ts';
import { badImage, bytesIn, fileBytes, type ImageFile, nameOf } from './imageFile.ts';

/** RGB pixels. */
export interface RgbImage {
  /** uint8 [height, width, 3] */
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/** Options of `transformImage`. */
export interface TransformImageOptions {
  /**
   * What random numbers follow from: those of an image in training are (seed, epoch, number of the image).
   * Default 0, 0, 0.
   */
  readonly seed?: number | undefined;
  readonly epoch?: number | undefined;
  readonly index?: number | undefined;
  /**
   * Mean and standard deviation per channel, of pixels scaled to [0, 1], for operations that draw in their
   * units; default ImageNet's.
   */
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
  /** Turned upright by the EXIF tag Orientation, default true. */
  readonly exif?: boolean | undefined;
  /** Gray of 16 bits: its upper 8 (`scale`, default), or cut off above 255 (`clip`). */
  readonly sixteenBit?: 'scale' | 'clip' | undefined;
}

const natural = z.int().min(0).default(0);
const channels = z.array(z.number()).length(3);
const schema = z.object({
  seed: natural,
  epoch: natural,
  index: natural,
  mean: channels.default([...imagenetMean]),
  std: channels.default([...imagenetStd]),
  ...decodingShape,
});

const side = z.int().min(1).max(16_383);
const pixelsSchema = z.looseObject({
  pixels: z.instanceof(Uint8Array).or(z.instanceof(Uint8ClampedArray)),
  height: side,
  width: side,
});

/**
 * Applies a transform to one image, natively and off the JS thread, exactly as a training does. Formats that
 * a training does not decode (WebP, GIF, TIFF, AVIF) are brought to PNG first.
 *
 * @param image path or bytes of an image file, or RGB pixels.
 * @throws ERR_CONFIG for a wrong transform, option or size, ERR_IMAGE when the image cannot be decoded,
 *   ERR_FILE, ERR_SHAPE for another number of pixels.
 * @example
 * const crop = { kind: 'randomResizedCrop', size: 224 } as const;
 * const { pixels, height, width } = await transformImage('cat.jpg', [crop], { index: 7 });
 */
export async function transformImage(
  image: ImageFile | RgbImage,
  transform: TransformInput,
  options: TransformImageOptions = {},
): Promise<RgbImage> {
  const ops = parseTransform(transform);
  const { exif, sixteenBit, ...draws } = parseOptions(schema, options, 'transformImage');
  const decoding = { maxPixels, ...decodingOf({ exif, sixteenBit }) };
  const spec: NativeTransformSpec = { ...draws, transform: nativeTransform(ops), decoding };
  if (typeof image === 'string' || bytesIn(image) !== null)
    return transformFile(image as ImageFile, spec, nameOf(image));
  const { pixels: given, height, width } = parseOptions(pixelsSchema, image, 'image');
  const pixels = bytesIn(given) ?? new Uint8Array();
  if (pixels.length !== height * width * 3)
    throw expected('ERR_SHAPE', `${height * width * 3} bytes`, 'image.pixels', pixels);
  return named('image', native().transformImage(pixels, { ...spec, height, width, channels: 3 }));
}

/**
 * Applies a transform to an image file.
 *
 * @param name what to call it in messages.
 * @throws ERR_IMAGE naming it, ERR_FILE.
 * @internal
 */
export async function transformFile(
  file: ImageFile,
  spec: NativeTransformSpec,
  name: string,
): Promise<RgbImage> {
  const bytes = await fileBytes(file);
  const brought = await decodable(bytes, spec.decoding.maxPixels).catch((cause: unknown) => {
    throw badImage(name, cause);
  });
  return named(name, native().transformImage(brought, spec));
}

/** An error of an image names it. */
async function named<T>(name: string, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw isLmError(error, 'ERR_IMAGE') ? badImage(name, error) : error;
  });
}
