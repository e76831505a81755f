/** Images that a model is given: files, or pixels. */
import { expected } from '../errors.ts';
import { bytesIn, formatOf, type ImageFile, nameOf } from '../images/imageFile.ts';
import { preprocess } from '../images/readImage.ts';
import { type SomePreprocessing, transformTo } from '../transforms/preprocessing.ts';
import { type Core, type Counted, countImages } from './core.ts';
import { inputOf } from './input.ts';

/**
 * Images: the path or the bytes of an image file of any format, a list of these, or pixels, uint8 [n,
 * height, width, channels]. Bytes are a file
 * where they begin like one.
 */
export type GivenImages = ImageFile | readonly ImageFile[];

/** How images are looked at. */
interface Look extends SomePreprocessing {
  readonly height?: number | undefined;
  readonly width?: number | undefined;
}

/** Images of one size, uint8 [n, height, width, channels]. */
export interface PixelBatch extends Counted {
  readonly pixels: Uint8Array;
}

/** Files that are decoded at a time. */
const filesAtOnce = 32;

/**
 * The pixels of images, some files at a time: files as the model's evaluations see them, unless told;
 * pixels as they are.
 *
 * @param look height and width of pixels, or to which files are brought in place of the model's size.
 * @throws ERR_IMAGE naming a file that cannot be decoded, ERR_FILE; ERR_SHAPE for pixels that are not a
 *   whole number of images, or no image;
 *   ERR_CONFIG for anything else, and for a transform of pixels.
 */
export async function* pixelBatches(
  core: Core,
  images: GivenImages,
  look: Look = {},
): AsyncGenerator<PixelBatch, void> {
  if (Array.isArray(images)) return yield* fileBatches(core, images as readonly ImageFile[], look);
  const bytes = bytesIn(images);
  if (bytes === null && typeof images !== 'string')
    throw expected(
      'ERR_CONFIG',
      'a path, the bytes of an image file, a list of these, or pixels',
      'images',
      images,
    );
  if (bytes === null || formatOf(bytes) !== null) yield fileBatch(core, [images as ImageFile], look, nameOf);
  else yield pixelBatch(core, bytes, look);
}

/** Pixels as they are, whatever they begin like. */
function pixelBatch(core: Core, pixels: Uint8Array, { height, width, ...rest }: Look): PixelBatch {
  const [option, value] = Object.entries(rest).find(([, given]) => given !== undefined) ?? [];
  if (option !== undefined)
    throw expected('ERR_CONFIG', 'image files, for pixels stay as they are,', `predict.${option}`, value);
  return { ...countImages(core, pixels, 'images', { height, width }), pixels };
}

async function* fileBatches(
  core: Core,
  files: readonly ImageFile[],
  look: Look,
): AsyncGenerator<PixelBatch, void> {
  if (files.length === 0) throw expected('ERR_SHAPE', 'at least one image', 'images.length', 0);
  for (let first = 0; first < files.length; first += filesAtOnce) {
    const name = (file: ImageFile, i: number): string =>
      typeof file === 'string' ? file : `images[${first + i}]`;
    yield fileBatch(core, files.slice(first, first + filesAtOnce), look, name);
  }
}

async function fileBatch(
  core: Core,
  files: readonly ImageFile[],
  look: Look,
  name: (file: ImageFile, i: number) => string,
): Promise<PixelBatch> {
  const input = inputOf(core);
  const { height: h = input.height, width: w = input.width, ...given } = look;
  const transform = given.transform ?? transformTo(input.transform, [input.height, input.width], [h, w]);
  const decoded = await Promise.all(
    files.map((file, i) => preprocess(file, input, { ...given, transform }, name(file, i))),
  );
  const [{ height, width } = { height: 0, width: 0 }] = decoded;
  const odd = decoded.find((image) => image.height !== height || image.width !== width);
  if (odd !== undefined)
    throw expected(
      'ERR_CONFIG',
      'a transform that gives all images one size',
      'predict.transform',
      transform,
    );
  const pixels = Buffer.concat(decoded.map((image) => image.pixels));
  return { pixels, n: files.length, height, width };
}
