/** One image on its way into a record. */
import * as zlib from 'node:zlib';
import { LmError } from '../../errors.ts';
import { decodable } from '../../images/foreign.ts';
import { formatOf } from '../../images/imageFile.ts';
import { native } from '../../native/load.ts';
import { type DecodingInput, decodingOf, maxPixels } from '../../transforms/decoding.ts';
import { parseTransform, type Transform } from '../../transforms/transforms.ts';

/** How images are packed. */
export interface Encoding extends DecodingInput {
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
 * Packs one image. JPEG files keep their coefficients and their orientation, and so their pixels: they are
 * only rearranged so that parts can be decoded. PNG, BMP and Netpbm files stay as they are, other formats
 * become PNG. With `resize`, larger images become upright JPEG files of that size, resized as a training does
 * (triangle filter).
 *
 * @throws ERR_IMAGE when it cannot be decoded.
 */
export async function encodeImage(bytes: Uint8Array, encoding: Encoding): Promise<Payload> {
  const file = await brought(bytes, encoding);
  const packed = formatOf(file) === 'JPEG' ? await native().packJpeg(file) : null;
  if (packed === null) return { bytes: file, rows: 0, crc: zlib.crc32(file) };
  const places = new Uint8Array(packed.rows.buffer, packed.rows.byteOffset, packed.rows.byteLength);
  const whole = Buffer.concat([places, packed.bytes]);
  return { bytes: whole, rows: packed.rows.length, crc: zlib.crc32(whole) };
}

/** To a format that is decoded natively, and to its size. */
async function brought(bytes: Uint8Array, { resize, quality, ...how }: Encoding): Promise<Uint8Array> {
  const decoding = { maxPixels, ...decodingOf(how) };
  const apply = (transform: Transform): ReturnType<ReturnType<typeof native>['transformImage']> =>
    native().transformImage(file, { transform, decoding, mean: [], std: [], seed: 0, epoch: 0, index: 0 });
  const file = await decodable(bytes).catch((cause: unknown) => {
    throw new LmError('ERR_IMAGE', cause instanceof Error ? cause.message : String(cause), { cause });
  });
  const { height: h, width: w } = native().imageSize(file, decoding);
  if (resize === undefined || Math.min(h, w) <= resize) {
    // A mean of all pixels decodes all of the file.
    await apply(parseTransform([{ kind: 'resize', size: [1, 1] }]));
    return file;
  }
  const smaller = parseTransform([{ kind: 'resize', size: resize }]);
  const { pixels, height, width } = await apply(smaller);
  const { default: sharp } = await import('sharp');
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();
}
