/** Single images: any format in, the pixels that an evaluation sees out. */
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { expected } from '../errors.ts';
import { must } from '../must.ts';
import { maxPixels as mostPixels } from '../transforms/decoding.ts';
import { preprocessingOf, preprocessingShape, type SomePreprocessing } from '../transforms/preprocessing.ts';
import { imagenetMean, imagenetStd, type TransformInput } from '../transforms/transforms.ts';
import { type ImageFile, nameOf } from './imageFile.ts';
import { checkSize } from './imageSize.ts';
import { type RgbImage, transformFile } from './transformImage.ts';

/**
 * What a model takes: size, 1 channel (gray) or 3 (RGB), and what brings images to it; `model.input` is one.
 */
export interface ImageInput extends SomePreprocessing {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
}

/** Options of `readImage`; what is left out is the input's. */
export interface ReadImageOptions {
  /**
   * What happens to the image; default: that of `model.input`; of a size alone shorter side / 0.875, then the
   * middle, or up to 64 pixels all of the image.
   */
  readonly transform?: TransformInput | undefined;
  /** Turned upright by the EXIF tag Orientation, default true. */
  readonly exif?: boolean | undefined;
  /** Gray of 16 bits: its upper 8 (`scale`, default), or cut off above 255 (`clip`). */
  readonly sixteenBit?: 'scale' | 'clip' | undefined;
  /** What to call bytes in messages, default "image". */
  readonly name?: string | undefined;
}

const schema = z.object({ ...preprocessingShape, name: z.string().optional() });

/**
 * Reads an image of any format (JPEG, PNG, WebP, GIF, TIFF, AVIF, …; of an animation the first frame) as the
 * pixels that a model's evaluations and predictions see, natively and off the JS thread. Gray is (19595 R +
 * 38470 G + 7471 B + 32768) >> 16, as Pillow's mode `L`.
 *
 * @param file a path, or the bytes of a file.
 * @param input `model.input`, or a size alone.
 * @returns uint8 [height, width, channels].
 * @throws ERR_IMAGE naming the file when it is broken, of an unknown format, or has more than 10⁸ pixels;
 *   ERR_FILE when it cannot be read; ERR_CONFIG for a wrong option, or channels other than 1 and 3.
 * @example
 * const pixels = await readImage('cat.jpg', { channels: 3, height: 224, width: 224 });
 */
export async function readImage(
  file: ImageFile,
  input: ImageInput,
  options: ReadImageOptions = {},
): Promise<Uint8Array> {
  checkSize(input);
  const { name = nameOf(file), ...given } = parseOptions(schema, options, 'readImage');
  const { pixels, height, width } = await preprocess(file, input, given, name);
  if (height === input.height && width === input.width) return pixels;
  throw expected('ERR_SHAPE', `a transform to ${input.height} x ${input.width}`, 'readImage.transform', [
    height,
    width,
  ]);
}

/**
 * The pixels of an image file as a model takes them, of the size that its transform gives.
 *
 * @param given what is not as `input` says, and how many pixels the file may claim to have, default 10⁸.
 * @returns uint8 [height, width, input.channels].
 * @internal
 */
export async function preprocess(
  file: ImageFile,
  input: ImageInput,
  { maxPixels = mostPixels, ...given }: SomePreprocessing & { readonly maxPixels?: number },
  name: string,
): Promise<RgbImage> {
  const { transform, ...how } = preprocessingOf([input.height, input.width], given, input);
  const decoding = { maxPixels, ...how };
  const { mean = imagenetMean, std = imagenetStd } = input;
  const draws = { mean, std, seed: 0, epoch: 0, index: 0 };
  const image = await transformFile(file, { transform, decoding, ...draws }, name);
  return input.channels === 1 ? { ...image, pixels: toGray(image.pixels) } : image;
}

function toGray(rgb: Uint8Array): Uint8Array {
  const gray = new Uint8Array(rgb.length / 3);
  // A plain loop: this is the JavaScript thread.
  for (let i = 0; i < gray.length; i++) {
    const [r, g, b] = [must(rgb[3 * i]), must(rgb[3 * i + 1]), must(rgb[3 * i + 2])];
    gray[i] = (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
  }
  return gray;
}
