/** Images that a classifier is given: files in any form, or pixels. */
import { expected, LmError } from '../errors.ts';
import { readBounded } from '../files.ts';
import { type Bytes, bytesIn, formatOf } from '../images/imageFile.ts';
import type { ModelInput } from '../loading/modelInput.ts';

/**
 * An image: a path, the bytes of a file (a `Buffer`, a `Blob`), a stream of them, or pixels, uint8 [height,
 * width, channels] of the model's size. Bytes are a file where they begin like one.
 */
export type ClassifierImage = string | Bytes | Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** What it turned out to be. */
export type GivenImage =
  | { readonly kind: 'pixels'; readonly pixels: Uint8Array }
  | { readonly kind: 'file'; readonly bytes: () => Promise<Uint8Array> };

/**
 * What an image is; nothing is read yet.
 *
 * @param most bytes of a file.
 * @param name of the image, for messages.
 * @throws ERR_CONFIG for something else, ERR_SHAPE for bytes that are neither a file nor as many pixels as
 *   the model takes, ERR_TOO_LARGE for a file of more bytes.
 */
export function givenImage(
  image: ClassifierImage,
  input: ModelInput,
  most: number,
  name: string,
): GivenImage {
  if (typeof image === 'string') return { kind: 'file', bytes: () => readBounded(image, most) };
  const bytes = bytesIn(image);
  if (bytes !== null) return inMemory(bytes, input, most, name);
  if (image instanceof Blob) {
    checkBytes(image.size, most, name);
    return { kind: 'file', bytes: async () => new Uint8Array(await image.arrayBuffer()) };
  }
  if (typeof image === 'object' && image !== null && Symbol.asyncIterator in image)
    return { kind: 'file', bytes: () => gathered(image as AsyncIterable<Uint8Array>, most, name) };
  throw expected(
    'ERR_CONFIG',
    'a path, the bytes of an image file, a stream of them, or pixels',
    name,
    image,
  );
}

/** A file, whose bytes are there. */
export function fileInMemory(bytes: Uint8Array, most: number, name: string): GivenImage {
  checkBytes(bytes.length, most, name);
  return { kind: 'file', bytes: async () => bytes };
}

/**
 * One image of pixels, whatever they begin like.
 *
 * @throws ERR_SHAPE for another number of them.
 */
export function pixelsInMemory(
  pixels: Uint8Array,
  { height, width, channels }: ModelInput,
  name: string,
): GivenImage {
  if (pixels.length === height * width * channels) return { kind: 'pixels', pixels };
  const what = `an image file, or ${height} x ${width} x ${channels} pixels,`;
  throw expected('ERR_SHAPE', what, name, pixels, {
    hint: 'Several images are a list: classify([first, second]).',
  });
}

function inMemory(bytes: Uint8Array, input: ModelInput, most: number, name: string): GivenImage {
  return formatOf(bytes) === null ? pixelsInMemory(bytes, input, name) : fileInMemory(bytes, most, name);
}

async function gathered(stream: AsyncIterable<Uint8Array>, most: number, name: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let read = 0;
  for await (const part of stream) {
    const bytes = bytesIn(part);
    if (bytes === null) throw expected('ERR_CONFIG', 'a stream of bytes', name, part);
    read += bytes.length;
    checkBytes(read, most, name); // leaving the loop ends the stream
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

function checkBytes(bytes: number, most: number, name: string): void {
  if (bytes <= most) return;
  throw new LmError('ERR_TOO_LARGE', `Expected at most ${most} bytes for \`${name}\` but received ${bytes}`, {
    hint: 'Send a smaller image; the limit is `maxBytes`.',
  });
}
