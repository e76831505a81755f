/** Single images: any format in, pixels of the size a model takes out. */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { expected, LmError } from '../errors.ts';
import { fileError, replaceFile } from '../files.ts';
import { maxPixels } from '../loading/loaderSpec.ts';

/** Size and channels that a model takes: 1 channel is gray, 3 are RGB. */
export interface ImageSize {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Reads an image of any format (JPEG, PNG, WebP, GIF, TIFF, AVIF, …; of an animation the first frame) as the pixels a model
 * takes: turned upright by its EXIF tag, transparency on black, resized (triangle filter, as torchvision's `Resize`) until
 * the shorter side fits, and cropped around the centre. An image that has the size already keeps its pixels exactly.
 * Gray is (19595 R + 38470 G + 7471 B + 32768) >> 16, as Pillow's mode `L`.
 *
 * @param file a path, or the bytes of a file.
 * @param name what to call bytes in messages, default "image".
 * @returns uint8 [height, width, channels].
 * @throws ERR_IMAGE naming the file when it is broken, of an unknown format, or has more than 10⁸ pixels; ERR_FILE when it
 *   cannot be read; ERR_CONFIG for channels other than 1 and 3.
 * @example
 * const pixels = await readImage('cat.jpg', { channels: 3, height: 224, width: 224 });
 */
export async function readImage(
  file: string | Uint8Array,
  input: ImageSize,
  name: string = typeof file === 'string' ? file : 'image',
): Promise<Uint8Array> {
  checkSize(input);
  const bytes = typeof file === 'string' ? await fileBytes(file) : file;
  const rgb = await decode(bytes, input, name);
  return input.channels === 1 ? toGray(rgb) : rgb;
}

/**
 * Writes pixels as a PNG, as a whole or not at all.
 *
 * @param pixels uint8 [height, width, channels].
 * @throws ERR_SHAPE when the length does not fit, ERR_CONFIG for channels other than 1 and 3, ERR_FILE when it cannot be written.
 * @example
 * await writeImage('digit.png', set.images.subarray(0, 784), { width: 28, height: 28, channels: 1 });
 */
export async function writeImage(path: string, pixels: Uint8Array, size: ImageSize): Promise<void> {
  checkSize(size);
  const { width, height } = size;
  const channels = size.channels === 1 ? 1 : 3;
  if (pixels.length !== width * height * channels)
    throw expected('ERR_SHAPE', `${width * height * channels} bytes`, 'pixels.length', pixels.length);
  const space = channels === 1 ? 'b-w' : 'srgb';
  const png = await sharp(pixels, { raw: { width, height, channels } }).toColourspace(space).png().toBuffer();
  await replaceFile(path, (file) => file.writeFile(png));
}

/** The bytes of an image file. @internal */
export async function fileBytes(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: unknown) => {
    throw fileError(cause, 'a readable image', path);
  });
}

async function decode(bytes: Uint8Array, { width, height }: ImageSize, name: string): Promise<Uint8Array> {
  try {
    const pixels = await sharp(bytes, { autoOrient: true, limitInputPixels: maxPixels })
      .flatten({ background: '#000' })
      .toColourspace('srgb')
      .resize(width, height, { fit: 'cover', position: 'centre', kernel: 'linear' })
      .raw({ depth: 'uchar' })
      .toBuffer();
    return new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.length);
  } catch (cause) {
    throw broken(name, cause);
  }
}

function broken(name: string, cause: unknown): LmError {
  const reason = cause instanceof Error ? cause.message.replaceAll(/\s+/g, ' ').trim() : String(cause);
  const hint = reason.includes('pixel limit')
    ? `Images of more than ${maxPixels / 1e6} million pixels are refused; make it smaller first.`
    : 'Open it in a viewer; if it is sound, convert it to PNG or JPEG.';
  const message = `Expected an image that can be decoded for \`${name}\` but received one that cannot: ${reason}`;
  return new LmError('ERR_IMAGE', message, { hint, cause });
}

function toGray(rgb: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: rgb.length / 3 }, (_, i) => {
    const [r = 0, g = 0, b = 0] = [rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]];
    return (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
  });
}

function checkSize({ channels, height, width }: ImageSize): void {
  for (const [name, value] of Object.entries({ height, width }))
    if (!Number.isSafeInteger(value) || value < 1 || value > 16383)
      throw expected('ERR_CONFIG', 'an integer from 1 to 16383', name, value);
  if (channels !== 1 && channels !== 3)
    throw expected('ERR_CONFIG', '1 (gray) or 3 (RGB)', 'channels', channels);
}
