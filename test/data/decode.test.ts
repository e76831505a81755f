/** Image files of every kind, against Pillow's pixels (scripts/reference/decode.py). */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { batches } from '../../src/data/batches.ts';
import { openDataset } from '../../src/data/open.ts';
import { pack } from '../../src/data/records/pack.ts';
import type { DatasetSpecInput } from '../../src/data/spec.ts';
import { type RgbImage, transformImage } from '../../src/data/transformImage.ts';
import '../support/addon.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { writeFiles } from '../support/images.ts';

interface GoldenImage {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** Of Pillow's convert("RGB"). */
  readonly sha256: string;
  readonly pixels: readonly (readonly [x: number, y: number, r: number, g: number, b: number])[];
  /** Base64. */
  readonly file: string;
}

const golden: readonly GoldenImage[] = JSON.parse(
  readFileSync(new URL('../golden/decode.json', import.meta.url), 'utf8'),
);
const bytesOf = ({ file }: GoldenImage): Buffer => Buffer.from(file, 'base64');
const pixelAt = ({ pixels, width }: RgbImage, x: number, y: number): number[] => [
  ...pixels.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
];

/** A part of an image. */
function part({ pixels, width }: RgbImage, left: number, top: number, w: number, h: number): Buffer {
  const rows = Array.from({ length: h }, (_, y) => {
    const start = 3 * ((top + y) * width + left);
    return pixels.subarray(start, start + 3 * w);
  });
  return Buffer.concat(rows);
}

describe.each(golden)('$name', (image) => {
  it('decodes to the pixels of Pillow, every bit', async () => {
    const found = await transformImage(bytesOf(image), []);
    expect([found.width, found.height]).toEqual([image.width, image.height]);
    for (const [x, y, ...rgb] of image.pixels) expect(pixelAt(found, x, y)).toEqual(rgb);
    expect(createHash('sha256').update(found.pixels).digest('hex')).toBe(image.sha256);
  });

  it('gives the same pixels in any part of it, of which it decodes no more than it must', async () => {
    const whole = await transformImage(bytesOf(image), []);
    const { width: w, height: h } = whole;
    const parts = [
      [0, 0, 1, 1],
      [w - 1, h - 1, 1, 1],
      [0, h >> 1, w, h - (h >> 1)],
      [w >> 1, 0, w - (w >> 1), 3],
      [w >> 2, h >> 2, w >> 1, h >> 1],
      [1, 17 % h, 2, 1],
      [w - 2, 0, 2, h],
    ] as const;
    const inside = parts.filter(([left, top, width, height]) => {
      return (
        Math.min(left, top) >= 0 && Math.min(width, height) > 0 && left + width <= w && top + height <= h
      );
    });
    for (const [left, top, width, height] of inside) {
      const found = await transformImage(bytesOf(image), [{ kind: 'crop', top, left, height, width }]);
      expect(part(whole, left, top, width, height).equals(found.pixels), `${left}, ${top}`).toBe(true);
    }
  });
});

describe('packed records', () => {
  it('give the pixels of the files they were packed from, whole and in parts', async () => {
    const jpegs = golden.filter(
      ({ name, width, height }) => name.startsWith('JPEG') && width >= 8 && height >= 8,
    );
    expect(jpegs.length).toBeGreaterThan(8);
    const folder = await temporaryFolder();
    const files = jpegs.map((image, i) => [`a/${String(i).padStart(3, '0')}.jpg`, bytesOf(image)] as const);
    const path = await writeFiles(join(folder, 'images'), Object.fromEntries(files));
    const records = join(folder, 'records');
    await pack({ kind: 'imageFolder', path }, records);
    for (let offset = 0; offset < 6; offset++) {
      const crop = {
        kind: 'crop',
        top: offset,
        left: 5 - offset,
        height: 3 + (offset % 3),
        width: 3,
      } as const;
      const cropped = async (spec: DatasetSpecInput): Promise<Buffer> => {
        const data = await openDataset({ ...spec, transform: [crop] });
        onTestFinished(() => data.close());
        const pixels: Uint8Array[] = [];
        for await (const batch of batches(data, { onBadImage: 'throw' })) pixels.push(batch.pixels);
        return Buffer.concat(pixels);
      };
      const wanted = await cropped({ kind: 'imageFolder', path });
      expect((await cropped({ kind: 'records', path: records })).equals(wanted)).toBe(true);
    }
  });
});

describe('a file that is no image', () => {
  const [first] = golden;
  const sound = first === undefined ? Buffer.alloc(0) : bytesOf(first);
  it.each([
    ['is empty', Buffer.alloc(0)],
    ['is one byte', Buffer.of(0xff)],
    ['is text', Buffer.from('a cat')],
    ['ends in its header', sound.subarray(0, 100)],
    ['ends in its pixels', sound.subarray(0, sound.length - 40)],
    ['is of a format that is not read', Buffer.from('GIF89a..............')],
  ])('is refused with its name when it %s', async (_, bytes) => {
    expect(await codeOf(transformImage(bytes, []))).toBe('ERR_IMAGE');
  });

  it('is refused before its pixels are given memory when it claims too many', async () => {
    const huge = Buffer.from(sound);
    const frame = huge.indexOf(Buffer.of(0xff, 0xc0));
    huge.writeUInt16BE(60_000, frame + 5);
    huge.writeUInt16BE(60_000, frame + 7);
    const failure = await transformImage(huge, []).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'ERR_IMAGE', message: expect.stringContaining('pixel') });
  });
});
