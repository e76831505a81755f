/** One image on its way into a record. */

import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { LmError } from '../../errors.ts';
import { maxPixels } from '../../loading/loaderSpec.ts';
import { native } from '../../native/load.ts';
import { parseTransform } from '../../transforms/transforms.ts';

/** How images are packed. */
export interface Encoding {
  /** Shorter side in pixels to which larger images are made smaller; undefined: they keep their size. */
  readonly resize?: number | undefined;
  /** Quality of the JPEG files that are made, 1 to 100. */
  readonly quality: number;
}

/** The bytes of a record. */
export interface Payload {
  readonly bytes: Uint8Array;
  /** Places of rows of blocks that stand before a packed JPEG file, as uint32. */
  readonly rows: number;
  readonly crc: number;
}

/**
 * Packs one image. JPEG files keep their coefficients, and so their pixels: they are only rearranged so that parts can be decoded.
 * PNG files stay as they are, other formats become PNG. With `resize`, larger images become JPEG files of that size (Lanczos).
 *
 * @throws ERR_IMAGE when it cannot be decoded.
 */
export async function encodeImage(bytes: Uint8Array, { resize, quality }: Encoding): Promise<Payload> {
  const file = await brought(bytes, resize, quality);
  await checkDecodes(file);
  const packed = isJpeg(file) ? await native().packJpeg(file) : null;
  if (packed === null) return { bytes: file, rows: 0, crc: crc32(file) };
  const places = new Uint8Array(packed.rows.buffer, packed.rows.byteOffset, packed.rows.byteLength);
  const whole = Buffer.concat([places, packed.bytes]);
  return { bytes: whole, rows: packed.rows.length, crc: crc32(whole) };
}

/** To JPEG or PNG, and to its size. */
async function brought(bytes: Uint8Array, resize: number | undefined, quality: number): Promise<Uint8Array> {
  try {
    const image = sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error' });
    const { width = 0, height = 0, format } = await image.metadata();
    const smaller = resize !== undefined && Math.min(width, height) > resize;
    if (!smaller && (format === 'jpeg' || format === 'png')) return bytes;
    const plain = image.toColourspace('srgb').removeAlpha();
    if (!smaller) return await plain.png().toBuffer();
    const side = width < height ? { width: resize } : { height: resize };
    return await plain
      .resize({ ...side, kernel: 'lanczos3' })
      .jpeg({ quality })
      .toBuffer();
  } catch (cause) {
    throw new LmError(
      'ERR_IMAGE',
      cause instanceof Error ? cause.message.replaceAll(/\s+/g, ' ').trim() : String(cause),
      {
        cause,
      },
    );
  }
}

/** Decodes all of a file: a mean of it takes every pixel. */
const mean = parseTransform([{ kind: 'resize', size: [1, 1], scaledDecode: false }]);

async function checkDecodes(file: Uint8Array): Promise<void> {
  const nothing = { mean: [], std: [], seed: 0, epoch: 0, index: 0 };
  await native().transformImage(file, { transform: mean, maxPixels, ...nothing });
}

function isJpeg(file: Uint8Array): boolean {
  return file[0] === 0xff && file[1] === 0xd8;
}
