import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readImage } from '../../src/images/readImage.ts';
import { writeImage } from '../../src/images/writeImage.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';

type Channels = 1 | 2 | 3 | 4;

const png = (
  pixels: Uint8Array | Uint16Array,
  width: number,
  height: number,
  channels: Channels,
): Promise<Buffer> => sharp(pixels, { raw: { width, height, channels } }).png().toBuffer();

const ramp = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (37 * i) % 256);

describe('readImage', () => {
  it.each<[string, 1 | 3]>([
    ['gray', 1],
    ['RGB', 3],
  ])('gives back what writeImage wrote: %s', async (_, channels) => {
    const path = join(await temporaryFolder(), 'x.png');
    const size = { channels, height: 5, width: 7 };
    await writeImage(path, ramp(35 * channels), size);
    expect(await readImage(path, size)).toEqual(Uint8Array.from(ramp(35 * channels)));
    expect((await sharp(path).metadata()).channels).toBe(channels);
  });

  it.each<[string, readonly number[], number]>([
    ['red', [255, 0, 0], 76],
    ['green', [0, 255, 0], 150],
    ['blue', [0, 0, 255], 29],
    ['white', [255, 255, 255], 255],
    ['a gray', [77, 77, 77], 77],
  ])('turns %s into the gray of Pillow', async (_, color, gray) => {
    const file = await png(Uint8Array.from([...color, ...color]), 2, 1, 3);
    expect([...(await readImage(file, { channels: 1, height: 1, width: 2 }))]).toEqual([gray, gray]);
  });

  it('turns gray into three equal channels', async () => {
    const file = await sharp(ramp(4), { raw: { width: 2, height: 2, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    expect([...(await readImage(file, { channels: 3, height: 2, width: 2 }))]).toEqual(
      [...ramp(4)].flatMap((x) => [x, x, x]),
    );
  });

  it.each(['png', 'webp'] as const)('passes over transparency, whatever is below it: %s', async (format) => {
    const pixels = Uint8Array.from([200, 100, 50, 0, 200, 100, 50, 255]);
    const raw = { width: 2, height: 1, channels: 4 } as const;
    const options = format === 'webp' ? { lossless: true, exact: true } : {};
    const file = await sharp(pixels, { raw }).toFormat(format, options).toBuffer();
    expect([...(await readImage(file, { channels: 3, height: 1, width: 2 }))]).toEqual([
      200, 100, 50, 200, 100, 50,
    ]);
  });

  it('turns an image upright by its EXIF tag', async () => {
    const pixels = Uint8Array.from([255, 255, 255, 0, 0, 0]);
    const tagged = sharp(pixels, { raw: { width: 2, height: 1, channels: 3 } }).withMetadata({
      orientation: 6,
    });
    const file = await tagged.png().toBuffer();
    expect([...(await readImage(file, { channels: 1, height: 2, width: 1 }))]).toEqual([255, 0]);
  });

  it('crops around the centre of a wide and of a high image', async () => {
    const columns = Uint8Array.from([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6], (x) => 10 * x);
    const wide = await sharp(columns, { raw: { width: 6, height: 2, channels: 1 } })
      .png()
      .toBuffer();
    expect([...(await readImage(wide, { channels: 1, height: 2, width: 2 }))]).toEqual([30, 40, 30, 40]);
    const high = await sharp(columns, { raw: { width: 2, height: 6, channels: 1 } })
      .png()
      .toBuffer();
    expect([...(await readImage(high, { channels: 1, height: 2, width: 2 }))]).toEqual([50, 60, 10, 20]);
  });

  it('keeps a flat colour flat when it resizes', async () => {
    const file = await png(new Uint8Array(50 * 30 * 3).fill(123), 50, 30, 3);
    const small = await readImage(file, { channels: 3, height: 8, width: 8 });
    const large = await readImage(file, { channels: 3, height: 64, width: 64 });
    expect(small).toHaveLength(192);
    expect([...small, ...large].every((x) => x === 123)).toBe(true);
  });

  it('scales 16 bits to 8', async () => {
    const wide = sharp(Uint16Array.from([0, 0x8080, 0xffff]), { raw: { width: 3, height: 1, channels: 1 } });
    const file = await wide.toColourspace('grey16').png().toBuffer();
    expect((await sharp(file).metadata()).depth).toBe('ushort');
    expect([...(await readImage(file, { channels: 1, height: 1, width: 3 }))]).toEqual([0, 128, 255]);
  });

  it.each(['jpeg', 'webp', 'gif', 'tiff', 'avif'] as const)('reads %s', async (format) => {
    const file = await sharp(new Uint8Array(16 * 16 * 3).fill(100), {
      raw: { width: 16, height: 16, channels: 3 },
    })
      .toFormat(format)
      .toBuffer();
    const pixels = await readImage(file, { channels: 3, height: 16, width: 16 });
    expect(pixels.every((x) => Math.abs(x - 100) <= 4)).toBe(true);
  });

  it('refuses a broken file by name', async () => {
    const path = join(await temporaryFolder(), 'broken.jpg');
    const noise = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * i * 31) % 256);
    const whole = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .jpeg()
      .toBuffer();
    for (const bytes of [whole.subarray(0, whole.length / 2), Buffer.from('hello'), Buffer.alloc(0)]) {
      await writeFile(path, bytes);
      const read = readImage(path, { channels: 3, height: 8, width: 8 });
      await expect(read).rejects.toMatchObject({
        code: 'ERR_IMAGE',
        message: expect.stringContaining('broken.jpg'),
      });
    }
  });

  it('refuses a small file that claims to be a huge image', async () => {
    const huge = sharp({
      create: { width: 12_000, height: 9_000, channels: 3, background: '#000' },
      limitInputPixels: false,
    });
    const file = await huge.png({ compressionLevel: 1 }).toBuffer();
    const read = readImage(file, { channels: 3, height: 8, width: 8 }, { name: 'bomb.png' });
    await expect(read).rejects.toMatchObject({
      code: 'ERR_IMAGE',
      message: expect.stringContaining('bomb.png'),
    });
  });

  it('refuses a missing file, a folder, and sizes that make no sense', async () => {
    const folder = await temporaryFolder();
    const size = { channels: 3, height: 8, width: 8 };
    expect(await codeOf(readImage(join(folder, 'none.png'), size))).toBe('ERR_FILE');
    expect(await codeOf(readImage(folder, size))).toBe('ERR_FILE');
    expect(await codeOf(readImage('x.png', { ...size, channels: 4 }))).toBe('ERR_CONFIG');
    expect(await codeOf(readImage('x.png', { ...size, height: 0 }))).toBe('ERR_CONFIG');
  });

  it.each(['png', 'jpeg', 'webp'] as const)(
    'never gives another error than an LmError, whatever the bytes: %s',
    async (format) => {
      const image = sharp(ramp(192), { raw: { width: 8, height: 8, channels: 3 } });
      const whole = await image.withMetadata({ orientation: 6 }).toFormat(format).toBuffer();
      // The EXIF segment stands at the beginning of JPEG and PNG files.
      const at = fc.oneof(fc.nat(Math.min(150, whole.length - 1)), fc.nat(whole.length - 1));
      const edits = fc.record({ at, bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }) });
      await fc.assert(
        fc.asyncProperty(edits, async ({ at, bytes }) => {
          const file = Buffer.from(whole);
          file.set(bytes.subarray(0, file.length - at), at);
          expect(['none', 'ERR_IMAGE']).toContain(
            await codeOf(readImage(file, { channels: 3, height: 8, width: 8 })),
          );
        }),
        { numRuns: 100 },
      );
    },
  );
});

describe('writeImage', () => {
  it('refuses a wrong number of pixels and a folder that is not there', async () => {
    const folder = await temporaryFolder();
    const size = { channels: 1, height: 2, width: 2 };
    expect(await codeOf(writeImage(join(folder, 'x.png'), new Uint8Array(5), size))).toBe('ERR_SHAPE');
    expect(await codeOf(writeImage(join(folder, 'no', 'x.png'), new Uint8Array(4), size))).toBe('ERR_FILE');
    expect(await readdir(folder)).toEqual([]);
  });
});
