/** Image files that are small to write and large, or long, to decode. */
import { deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { readImage } from '../../src/index.ts';
import '../support/addon.ts';
import { bmp, exifOf, png, withScans, withSize } from '../support/files/hostile.ts';

const size = { channels: 3, height: 8, width: 8 };
const plain = (side: number): Sharp =>
  sharp({ create: { width: side, height: side, channels: 3, background: '#123456' } });
const jpeg = (side: number, progressive = false): Promise<Buffer> =>
  plain(side).jpeg({ progressive }).toBuffer();

/** What the message of the error ERR_IMAGE says of a file. */
const said = async (file: Uint8Array): Promise<string> => {
  const error: unknown = await readImage(file, size, { name: 'bomb.img' }).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: 'ERR_IMAGE', hint: expect.any(String) });
  const { message } = error as Error;
  expect(message).toContain('bomb.img');
  return message;
};

describe('an image that is far larger than its file is refused', () => {
  const cut = deflateSync(Buffer.alloc(100));
  it.each<[string, () => Buffer | Promise<Buffer>, string]>([
    ['PNG of 65535 x 65535', () => png(65_535, 65_535, cut), 'Too large'],
    ['PNG of 2^31 x 2^31', () => png(2 ** 31 - 1, 2 ** 31 - 1, cut), 'Invalid IHDR'],
    ['PNG of 10000 x 10000, all one colour', () => png(10_000, 10_000), 'Too large'],
    ['PNG of 10^6 x 100', () => png(1_000_000, 100), 'Too large'],
    ['JPEG of 65500 x 65500', async () => withSize(await jpeg(8), 65_500), 'Too large'],
    ['JPEG of 10000 x 10000', async () => withSize(await jpeg(8), 10_000), 'Too large'],
    ['progressive JPEG of 8000 x 8000', async () => withSize(await jpeg(8, true), 8000), 'Too large'],
    ['JPEG turned by EXIF, of 7000 x 7000', async () => withSize(await exifOf(6), 7000), 'Too large'],
    ['BMP of run lengths', () => bmp(10_000, 10_000, Buffer.from([0, 1])), 'Too large'],
    ['BMP of 10^6 x 10^6', () => bmp(1_000_000, 1_000_000, Buffer.from([0, 1])), 'Too large'],
    ['PPM', () => Buffer.from('P6 10000 10000 255\n'), 'cut off'],
    ['PPM of 999999999 x 999999999', () => Buffer.from('P6 999999999 999999999 255\n'), 'A size of'],
    ['WebP', () => plain(6000).webp({ lossless: true, effort: 0 }).toBuffer(), 'Too large'],
    ['TIFF', () => plain(9000).tiff({ compression: 'deflate' }).toBuffer(), 'Too large'],
    [
      'SVG, which is a program',
      () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      'SVG',
    ],
    ['SVG behind a blank', () => Buffer.from('\n<svg xmlns="http://www.w3.org/2000/svg"/>'), 'No JPEG'],
  ])('%s', async (_, make, reason) => {
    expect(await said(await make())).toContain(reason);
  });

  it('but one colour is no fault of an image of 8000 x 8000 pixels', async () => {
    expect(await readImage(png(8000, 8000), size)).toEqual(new Uint8Array(8 * 8 * 3));
  });
});

describe('the scans of a progressive JPEG file', () => {
  it.each([
    ['more than 100', 50, 200],
    ['fewer that pass over 5 * 10^8 pixels', 4000, 40],
  ])('are bounded: %s', async (_, side, scans) => {
    expect(await said(withScans(await jpeg(side, true), scans))).toContain('Too many scans');
  });

  it('may be many of a small image', async () => {
    expect(await readImage(withScans(await jpeg(400, true), 60), size)).toHaveLength(192);
  });
});
