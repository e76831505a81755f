import { expected } from '../errors.ts';
import { checkPath, replaceFile } from '../files.ts';
import { checkSize, type ImageSize } from './imageSize.ts';

/**
 * Writes pixels as a PNG, as a whole or not at all.
 *
 * @param pixels uint8 [height, width, channels].
 * @throws ERR_SHAPE when the length does not fit, ERR_CONFIG for channels other than 1 and 3 and what is no
 *   path or no pixels, ERR_FILE when it cannot be written.
 * @example
 * await writeImage('digit.png', set.images.subarray(0, 784), { width: 28, height: 28, channels: 1 });
 */
export async function writeImage(path: string, pixels: Uint8Array, size: ImageSize): Promise<void> {
  checkPath(path);
  checkSize(size);
  const { width, height } = size;
  const channels = size.channels === 1 ? 1 : 3;
  if (!(pixels instanceof Uint8Array)) throw expected('ERR_CONFIG', 'a Uint8Array', 'pixels', pixels);
  if (pixels.length !== width * height * channels)
    throw expected('ERR_SHAPE', `${width * height * channels} bytes`, 'pixels.length', pixels.length);
  const space = channels === 1 ? 'b-w' : 'srgb';
  const { default: sharp } = await import('sharp');
  const png = await sharp(pixels, { raw: { width, height, channels } }).toColourspace(space).png().toBuffer();
  await replaceFile(path, (file) => file.writeFile(png));
}
