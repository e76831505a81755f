import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { expected, isLmError, LmError } from '../errors.ts';
import { maxPixels } from '../loading/loaderSpec.ts';
import { native } from '../native/load.ts';
import { parseTransform, type TransformInput } from '../transforms/transforms.ts';
import { fileBytes } from './image.ts';

/** RGB pixels. */
export interface RgbImage {
  /** uint8 [height, width, 3] */
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/** Options of `transformImage`. */
export interface TransformImageOptions {
  /** What random numbers follow from: those of an image in training are (seed, epoch, number of the image). Default 0, 0, 0. */
  readonly seed?: number | undefined;
  readonly epoch?: number | undefined;
  readonly index?: number | undefined;
  /** Mean and standard deviation per channel, of pixels scaled to [0, 1], for operations that draw in their units; default ImageNet's. */
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
}

/** ImageNet's mean and standard deviation per channel, of pixels scaled to [0, 1]: what files are normalised with unless told. */
export const imagenetMean: readonly number[] = [0.485, 0.456, 0.406];
export const imagenetStd: readonly number[] = [0.229, 0.224, 0.225];

const natural = z.int().min(0).default(0);
const channels = z.array(z.number()).length(3);
const schema = z.object({
  seed: natural,
  epoch: natural,
  index: natural,
  mean: channels.default([...imagenetMean]),
  std: channels.default([...imagenetStd]),
});

const side = z.int().min(1).max(16_383);
const pixelsSchema = z.looseObject({ pixels: z.instanceof(Uint8Array), height: side, width: side });

/**
 * Applies a transform to one image, natively and off the JS thread, exactly as a training does.
 *
 * @param image path or bytes of a JPEG or PNG file, or RGB pixels.
 * @throws ERR_CONFIG for a wrong transform, option or size, ERR_IMAGE when the image cannot be decoded, ERR_FILE, ERR_SHAPE for another number of pixels.
 * @example
 * const { pixels, height, width } = await transformImage('cat.jpg', [{ kind: 'randomResizedCrop', size: 224 }], { index: 7 });
 */
export async function transformImage(
  image: string | Uint8Array | RgbImage,
  transform: TransformInput,
  options: TransformImageOptions = {},
): Promise<RgbImage> {
  const ops = parseTransform(transform);
  const spec = { ...parseOptions(schema, options, 'transformImage'), transform: ops, maxPixels };
  if (typeof image === 'string' || image instanceof Uint8Array) {
    const bytes = typeof image === 'string' ? await fileBytes(image) : image;
    return named(typeof image === 'string' ? image : 'image', native().transformImage(bytes, spec));
  }
  const { pixels, height, width } = parseOptions(pixelsSchema, image, 'image');
  if (pixels.length !== height * width * 3)
    throw expected('ERR_SHAPE', `${height * width * 3} bytes`, 'image.pixels', pixels);
  return named('image', native().transformImage(pixels, { ...spec, height, width, channels: 3 }));
}

/** An error of an image names it. */
async function named<T>(name: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!isLmError(error, 'ERR_IMAGE')) throw error;
    const message = `Expected an image that can be decoded for \`${name}\` but received one that cannot: ${error.message}`;
    throw new LmError('ERR_IMAGE', message, {
      hint: 'Open it in a viewer; if it is sound, convert it to PNG or JPEG.',
      cause: error,
    });
  }
}
