/** The bytes of an image file, and what they are. */
import { expected, LmError } from '../errors.ts';
import { readBounded } from '../files.ts';
import { native } from '../native/load.ts';

/** Bytes, such as a `Buffer`, or what `fetch` gives. */
export type Bytes = Uint8Array | Uint8ClampedArray | ArrayBuffer;

/** An image file: its path, or its bytes. */
export type ImageFile = string | Bytes;

/**
 * What stands behind the dot in names of image files of data sets: torchvision's list, GIF and AVIF. What
 * such a file is, its content says.
 */
const endings = ['jpg', 'jpeg', 'png', 'ppm', 'bmp', 'pgm', 'tif', 'tiff', 'webp', 'gif', 'avif'];

/** Whether names of image files end like this; without the dot, in any case. */
export function isImageEnding(ending: string): boolean {
  return endings.includes(ending.toLowerCase());
}

/** Bytes of a file that a signature is looked for in. */
const headBytes = 32;

/** Bytes as one kind of array, which shares their memory; null for anything else. */
export function bytesIn(value: unknown): Uint8Array | null {
  if (value instanceof Uint8Array) return value;
  if (value instanceof Uint8ClampedArray)
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return value instanceof ArrayBuffer ? new Uint8Array(value) : null;
}

/**
 * The format of an image file by its first bytes, such as "JPEG" or "WebP"; null for what begins like none.
 * Pixels do not begin like a file by chance.
 */
export function formatOf(bytes: Uint8Array): string | null {
  return native().formatOf(bytes.subarray(0, headBytes)) || null;
}

/** What to call an image in messages. */
export function nameOf(file: unknown): string {
  return typeof file === 'string' ? file : 'image';
}

/** The largest image file that is read, in bytes. */
const maxBytes = 2 ** 30;
/** The largest that begins like no image, in bytes: so that it can be told of. */
const maxUnknown = 2 ** 24;

/**
 * Reads an image file whole.
 *
 * @throws ERR_FILE when it is missing, not permitted, no regular file, has more than 1 GiB, or begins like no
 *   image and has more than 16 MiB.
 */
export function readImageFile(path: string): Promise<Uint8Array> {
  return readBounded(path, (start) => (formatOf(start) === null ? maxUnknown : maxBytes));
}

/**
 * The bytes of an image file.
 *
 * @throws ERR_FILE when it cannot be read, ERR_CONFIG for what is neither a path nor bytes.
 */
export async function fileBytes(file: ImageFile): Promise<Uint8Array> {
  if (typeof file === 'string') return readImageFile(file);
  const bytes = bytesIn(file);
  if (bytes === null) throw expected('ERR_CONFIG', 'a path, or the bytes of a file,', 'image', file);
  return bytes;
}

/** The error of an image that cannot be used. */
export function badImage(name: string, cause: unknown): LmError {
  const reason = cause instanceof Error ? cause.message.replaceAll(/\s+/g, ' ').trim() : String(cause);
  const message = `Expected an image that can be decoded for \`${name}\` but received one that cannot: ${reason}`;
  return new LmError('ERR_IMAGE', message, {
    hint: 'Open it in a viewer; if it is sound, convert it to PNG or JPEG.',
    cause,
  });
}
