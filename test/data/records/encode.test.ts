import { crc32 } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { encodeImage, type Payload } from '../../../src/data/records/encode.ts';
import { transformImage } from '../../../src/images/transformImage.ts';
import '../../support/addon.ts';
import { codeOf } from '../../support/failures.ts';
import { picture } from '../../support/files/photos.ts';

const [width, height] = [50, 40];
const pixels = picture(width, height, 1);
const rgb = (): Sharp => sharp(pixels, { raw: { width, height, channels: 3 } });
/** Half transparent, and transparent at its left. */
const rgba = (): Sharp =>
  sharp(
    Uint8Array.from({ length: width * height * 4 }, (_, i) => {
      const pixel = Math.floor(i / 4);
      if (i % 4 < 3) return pixels[3 * pixel + (i % 4)] ?? 0;
      return pixel % width < 5 ? 0 : 128;
    }),
    { raw: { width, height, channels: 4 } },
  );

/** The image file in a record. */
const fileIn = ({ bytes, rows }: Payload): Uint8Array => bytes.subarray(4 * rows);
const plain = { quality: 90 };
/** All pixels of a file as a training gets them. */
const whole = async (file: Uint8Array): Promise<Uint8Array> =>
  (await transformImage(file, [{ kind: 'centerCrop', size: [height, width] }])).pixels;

describe('a JPEG file', () => {
  it.each<[string, () => Sharp]>([
    ['baseline', () => rgb().jpeg()],
    ['progressive', () => rgb().jpeg({ progressive: true })],
    ['with whole colours', () => rgb().jpeg({ chromaSubsampling: '4:4:4' })],
    ['gray', () => rgb().toColourspace('b-w').jpeg()],
    ['turned by its EXIF tag, which is passed over', () => rgb().jpeg().withMetadata({ orientation: 6 })],
  ])('keeps its pixels: %s', async (_, make) => {
    const file = await make().toBuffer();
    const payload = await encodeImage(file, plain);
    expect(payload.crc).toBe(crc32(payload.bytes));
    expect(await whole(fileIn(payload))).toEqual(await whole(file));
    const { format, width: w, height: h } = await sharp(fileIn(payload)).metadata();
    expect({ format, w, h }).toEqual({ format: 'jpeg', w: width, h: height });
    const image = new DataView(payload.bytes.buffer, payload.bytes.byteOffset);
    const places = Array.from({ length: payload.rows }, (_, i) => image.getUint32(4 * i, true));
    expect(payload.rows).toBeGreaterThan(1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });
});

describe('another file', () => {
  it.each<[string, () => Sharp]>([
    ['PNG', () => rgb().png()],
    ['PNG of few colours', () => rgb().png({ palette: true })],
    ['PNG with transparency', () => rgba().png()],
  ])('stays as it is: %s', async (_, make) => {
    const file = await make().toBuffer();
    const { bytes, rows, crc } = await encodeImage(file, plain);
    expect(Buffer.from(bytes)).toEqual(file);
    expect({ rows, crc }).toEqual({ rows: 0, crc: crc32(file) });
  });

  it.each<[string, () => Sharp]>([
    ['WebP', () => rgb().webp({ lossless: true })],
    ['WebP with transparency, which is dropped', () => rgba().webp({ lossless: true, exact: true })],
    ['TIFF', () => rgb().tiff({ compression: 'lzw' })],
    ['TIFF of 16 bits', () => rgb().toColourspace('rgb16').tiff({ compression: 'none' })],
  ])('becomes PNG with its pixels: %s', async (_, make) => {
    const payload = await encodeImage(await make().toBuffer(), plain);
    expect((await sharp(payload.bytes).metadata()).format).toBe('png');
    expect(payload.rows).toBe(0);
    const found = await whole(payload.bytes);
    const far = found.reduce((most, value, i) => Math.max(most, Math.abs(value - (pixels[i] ?? 0))), 0);
    expect(far).toBe(0);
  });

  it('of several pictures becomes the first', async () => {
    const still = await rgb().gif().toBuffer();
    const other = await sharp(picture(width, height, 9), { raw: { width, height, channels: 3 } })
      .gif()
      .toBuffer();
    const animated = await sharp([still, other], { join: { animated: true } })
      .gif()
      .toBuffer();
    const payload = await encodeImage(animated, plain);
    expect(await sharp(payload.bytes).metadata()).toMatchObject({ format: 'png', width, height });
  });
});

describe('a larger image than is wanted', () => {
  it.each<[string, () => Sharp]>([
    ['JPEG', () => rgb().jpeg()],
    ['gray JPEG', () => rgb().toColourspace('b-w').jpeg()],
    ['PNG with transparency', () => rgba().png()],
    ['WebP', () => rgb().webp()],
  ])('becomes a JPEG file of that size: %s', async (_, make) => {
    const payload = await encodeImage(await make().toBuffer(), { resize: 20, quality: 95 });
    expect(await sharp(fileIn(payload)).metadata()).toMatchObject({ format: 'jpeg', width: 25, height: 20 });
    const [small, large] = [20, 100].map((quality) => ({ resize: 20, quality }));
    const size = async (as = plain): Promise<number> =>
      (await encodeImage(await make().toBuffer(), as)).bytes.length;
    expect(await size(small)).toBeLessThan(await size(large));
  });

  it('is resized to its shorter side, and one that is not larger stays', async () => {
    const tall = await sharp(picture(30, 70, 2), { raw: { width: 30, height: 70, channels: 3 } })
      .png()
      .toBuffer();
    const size = async (resize: number): Promise<object> => {
      const {
        format,
        width: w,
        height: h,
      } = await sharp(fileIn(await encodeImage(tall, { resize, quality: 90 }))).metadata();
      return { format, w, h };
    };
    expect(await size(15)).toEqual({ format: 'jpeg', w: 15, h: 35 });
    expect(await size(30)).toEqual({ format: 'png', w: 30, h: 70 });
    expect(await size(60)).toEqual({ format: 'png', w: 30, h: 70 });
  });
});

describe('a file that is none', () => {
  const cut = async (image: Sharp, part: number): Promise<Uint8Array> => {
    const file = await image.toBuffer();
    return file.subarray(0, Math.floor(part * file.length));
  };
  it.each<[string, () => Promise<Uint8Array>]>([
    ['nothing', async () => new Uint8Array(0)],
    ['text', async () => Buffer.from('<html>404</html>')],
    ['half a JPEG file', () => cut(rgb().jpeg(), 0.5)],
    ['most of a JPEG file', () => cut(rgb().jpeg(), 0.9)],
    ['half a PNG file', () => cut(rgb().png(), 0.5)],
    ['most of a PNG file', () => cut(rgb().png(), 0.9)],
    ['half a WebP file', () => cut(rgb().webp(), 0.5)],
    ['most of a TIFF file', () => cut(rgb().tiff(), 0.9)],
  ])('is refused: %s', async (_, make) => {
    const file = await make();
    expect(await codeOf(encodeImage(file, plain))).toBe('ERR_IMAGE');
    expect(await codeOf(encodeImage(file, { resize: 10, quality: 90 }))).toBe('ERR_IMAGE');
  });

  it('or claims to be huge is refused before it is decoded', async () => {
    const bomb = await sharp({ create: { width: 12_000, height: 12_000, channels: 3, background: '#000' } })
      .png({ compressionLevel: 1 })
      .toBuffer();
    expect(await codeOf(encodeImage(bomb, plain))).toBe('ERR_IMAGE');
  });
});
