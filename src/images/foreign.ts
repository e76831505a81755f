/**
 * Formats that are not decoded natively: they are brought to PNG, pixel for pixel, and from there on they are
 * PNG files like others.
 */
import sharp, { type Metadata, type Sharp } from 'sharp';
import { must } from '../must.ts';
import { maxPixels } from '../transforms/decoding.ts';
import { formatOf } from './imageFile.ts';

/** Formats that are brought to PNG; of HEIF those that sharp reads (AVIF). */
export const otherFormats: readonly string[] = ['WebP', 'GIF', 'TIFF', 'HEIF', 'SVG'];

/** Formats that the native side decodes. */
const nativeFormats: readonly (string | null)[] = ['JPEG', 'PNG', 'BMP', 'Netpbm'];

/** Kinds of pixels that PNG has too; others become RGB. */
const kept: readonly unknown[] = ['grey16', 'rgb16', 'b-w'];

/** The first frame as stored, whatever its colour profile says. */
function read(bytes: Uint8Array, limitInputPixels: number): Sharp {
  return sharp(bytes, { limitInputPixels, ignoreIcc: true, failOn: 'error' });
}

/**
 * An image file of any format as one that is decoded natively: JPEG, PNG, BMP and Netpbm as they are, others
 * as PNG, with their orientation, all bits and no colour profile.
 *
 * @param most pixels that the file may claim to have.
 * @throws what sharp says of a file that it cannot read.
 */
export async function decodable(bytes: Uint8Array, most: number = maxPixels): Promise<Uint8Array> {
  const format = formatOf(bytes);
  if (bytes.length === 0 || nativeFormats.includes(format)) return bytes;
  const found = await read(bytes, most).metadata();
  if (found.space === 'cmyk') return fromInk(read(bytes, most), found);
  const space = kept.includes(found.space) ? found.space : 'srgb';
  return read(bytes, most).toColourspace(space).keepExif().png({ compressionLevel: 1 }).toBuffer();
}

/** CMYK by the formula that JPEG files have too: each colour is (1 - ink) (1 - black). */
async function fromInk(file: Sharp, { orientation }: Metadata): Promise<Uint8Array> {
  const image = file.pipelineColourspace('cmyk').toColourspace('cmyk');
  const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const rgb = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const pixel = channels * Math.floor(i / 3);
    const [ink, light] = [must(data[pixel + (i % 3)]), 255 - must(data[pixel + 3])];
    return Math.max(0, light - Math.round((ink * light) / 255));
  });
  const made = sharp(rgb, { raw: { width, height, channels: 3 } });
  return made
    .withMetadata(orientation === undefined ? {} : { orientation })
    .png({ compressionLevel: 1 })
    .toBuffer();
}
