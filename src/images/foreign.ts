/**
 * Formats that are not decoded natively: they are brought to PNG, pixel for pixel, and from there on they are
 * PNG files like others.
 */
import type { Metadata, Sharp } from 'sharp';
import { must } from '../must.ts';
import { maxPixels } from '../transforms/decoding.ts';
import { formatOf } from './imageFile.ts';

/**
 * Formats that are brought to PNG; of HEIF those that sharp reads (AVIF). SVG is none: it is a program, whose
 * pixels may take for ever.
 */
export const otherFormats: readonly string[] = ['WebP', 'GIF', 'TIFF', 'HEIF'];

/** Formats that the native side decodes. */
const nativeFormats: readonly (string | null)[] = ['JPEG', 'PNG', 'BMP', 'Netpbm'];

/** Kinds of pixels that PNG has too; others become RGB. */
const kept: readonly unknown[] = ['grey16', 'rgb16', 'b-w'];

/** The first frame as stored, whatever its colour profile says. */
async function reading(bytes: Uint8Array, limitInputPixels: number): Promise<() => Sharp> {
  const { default: sharp } = await import('sharp');
  return () => sharp(bytes, { limitInputPixels, ignoreIcc: true, failOn: 'error' });
}

/**
 * An image file of any format as one that is decoded natively: JPEG, PNG, BMP and Netpbm as they are, others
 * as PNG, with their orientation, all bits and no colour profile.
 *
 * @param most pixels that the file may claim to have.
 * @throws what sharp says of a file that it cannot read. What begins like no image is left to the decoder,
 *   which tells of it.
 */
export async function decodable(bytes: Uint8Array, most: number = maxPixels): Promise<Uint8Array> {
  const format = formatOf(bytes);
  if (bytes.length === 0 || format === null || nativeFormats.includes(format)) return bytes;
  if (!otherFormats.includes(format)) throw new Error(`Not supported: ${format}`);
  const read = await reading(bytes, most);
  const found = await read().metadata();
  checkMemory(format, found, bytes.length);
  if (found.space === 'cmyk') return fromInk(read(), found);
  const space = kept.includes(found.space) ? found.space : 'srgb';
  return read().toColourspace(space).keepExif().png({ compressionLevel: 1 }).toBuffer();
}

/** Memory that any file may need, in bytes; more only with a byte for every so many bytes of it. */
const [freeBytes, bytesPerByte] = [2 ** 28, 192];

/** Refuses what would take far more memory than its file is large, as the native side does. */
function checkMemory(format: string, { width, height, space }: Metadata, fileBytes: number): void {
  const bytesPerPixel = format === 'TIFF' && space !== 'cmyk' ? 4 : 16; // others are there as a whole, twice
  const needed = width * height * bytesPerPixel;
  if (needed > freeBytes && needed / bytesPerByte > fileBytes)
    throw new Error(`Too large: ${width} x ${height} pixels in a file of ${fileBytes} bytes`);
}

/** CMYK by the formula that JPEG files have too: each colour is (1 - ink) (1 - black). */
async function fromInk(file: Sharp, { orientation }: Metadata): Promise<Uint8Array> {
  const image = file.pipelineColourspace('cmyk').toColourspace('cmyk');
  const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < rgb.length; from += channels, to += 3) {
    const light = 255 - must(data[from + 3]);
    for (let c = 0; c < 3; c++)
      rgb[to + c] = Math.max(0, light - Math.round((must(data[from + c]) * light) / 255));
  }
  const { default: sharp } = await import('sharp');
  const made = sharp(rgb, { raw: { width, height, channels: 3 } });
  return made
    .withMetadata(orientation === undefined ? {} : { orientation })
    .png({ compressionLevel: 1 })
    .toBuffer();
}
