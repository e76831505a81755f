/** Image files of every kind, against Pillow's pixels (scripts/reference/images/decode.py). */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { batches } from '../../src/data/batches.ts';
import { openDataset } from '../../src/data/open.ts';
import { pack } from '../../src/data/records/pack.ts';
import type { DatasetSpecInput } from '../../src/data/spec.ts';
import { type RgbImage, transformImage } from '../../src/images/transformImage.ts';
import type { TransformInput, TransformOpInput } from '../../src/transforms/transforms.ts';
import '../support/addon.ts';
import { codeOf } from '../support/failures.ts';
import { writeFiles } from '../support/files/images.ts';
import { picture } from '../support/files/photos.ts';
import { temporaryFolder } from '../support/folder.ts';

interface GoldenImage {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** Of Pillow's convert("RGB"). */
  readonly sha256: string;
  readonly pixels: readonly (readonly [x: number, y: number, r: number, g: number, b: number])[];
  /** After Pillow's exif_transpose, gray of 16 bits being its upper 8. */
  readonly upright: { readonly width: number; readonly height: number; readonly sha256: string };
  /** Base64. */
  readonly file: string;
}

const golden: readonly GoldenImage[] = JSON.parse(
  readFileSync(new URL('../golden/images/decode.json', import.meta.url), 'utf8'),
);
const bytesOf = ({ file }: GoldenImage): Buffer => Buffer.from(file, 'base64');
const pixelAt = ({ pixels, width }: RgbImage, x: number, y: number): number[] => [
  ...pixels.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
];

/** What torchvision's loader gives. */
const asPillow = { exif: false, sixteenBit: 'clip' } as const;
const sha256 = ({ pixels }: RgbImage): string => createHash('sha256').update(pixels).digest('hex');

/** A part of an image. */
function part({ pixels, width }: RgbImage, left: number, top: number, w: number, h: number): Buffer {
  const rows = Array.from({ length: h }, (_, y) => {
    const start = 3 * ((top + y) * width + left);
    return pixels.subarray(start, start + 3 * w);
  });
  return Buffer.concat(rows);
}

describe.each(golden)('$name', (image) => {
  it('decodes to the pixels of Pillow, every bit, as stored and with gray cut off', async () => {
    const found = await transformImage(bytesOf(image), [], asPillow);
    expect([found.width, found.height]).toEqual([image.width, image.height]);
    for (const [x, y, ...rgb] of image.pixels) expect(pixelAt(found, x, y)).toEqual(rgb);
    expect(sha256(found)).toBe(image.sha256);
  });

  it('is turned upright, and keeps the upper 8 of 16 bits, unless told', async () => {
    const { width, height, sha256: sha } = image.upright;
    const found = await transformImage(bytesOf(image), []);
    expect({ width: found.width, height: found.height, sha: sha256(found) }).toEqual({ width, height, sha });
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

/** Pixels of all images of a data set, cropped. */
async function cropped(spec: DatasetSpecInput, crop: TransformOpInput): Promise<Buffer> {
  const data = await openDataset({ ...spec, transform: [crop] });
  onTestFinished(() => data.close());
  const pixels: Uint8Array[] = [];
  for await (const batch of batches(data, { onBadImage: 'throw' })) pixels.push(batch.pixels);
  return Buffer.concat(pixels);
}

describe('packed records', () => {
  it.each([
    ['upright', {}],
    ['as stored', { exif: false }],
  ])('give the pixels of the files they were packed from, whole and in parts: %s', async (_, how) => {
    const some = golden.filter(({ width, height }) => width >= 8 && height >= 8);
    expect(some.length).toBeGreaterThan(50);
    const folder = await temporaryFolder();
    const files = some.map((image, i) => [`a/${String(i).padStart(3, '0')}.jpg`, bytesOf(image)] as const);
    const path = await writeFiles(join(folder, 'images'), Object.fromEntries(files));
    const records = join(folder, 'records');
    await pack({ kind: 'imageFolder', path }, records);
    for (let i = 0; i < 6; i++) {
      const crop = { kind: 'crop', top: i, left: 5 - i, height: 3 + (i % 3), width: 3 } as const;
      const wanted = await cropped({ kind: 'imageFolder', path, ...how }, crop);
      expect((await cropped({ kind: 'records', path: records, ...how }, crop)).equals(wanted)).toBe(true);
    }
  });
});

describe('a part of an image', () => {
  const turned = golden.filter(({ name }) => / of orientation [2-8]/.test(name));
  const resized: TransformInput[] = [
    [{ kind: 'resize', size: 9 }],
    [
      { kind: 'resize', size: 30 },
      { kind: 'centerCrop', size: [20, 12] },
    ],
    [{ kind: 'resize', size: [5, 40], interpolation: 'bicubic' }],
    [{ kind: 'randomResizedCrop', size: 16, scaledDecode: false }],
  ];
  it.each(turned)('is resized as the upright image is: $name', async (image) => {
    const { pixels, width, height } = await transformImage(bytesOf(image), []);
    for (const transform of resized) {
      const found = await transformImage(bytesOf(image), transform, { index: 3 });
      expect(found).toEqual(await transformImage({ pixels, width, height }, transform, { index: 3 }));
    }
  });

  it.each([2, 3, 4, 5, 6, 7, 8])(
    'is decoded at a smaller size, and turned as sharp turns it: %s',
    async (orientation) => {
      const wide = { width: 325, height: 203 };
      const stored = (): Sharp =>
        sharp(picture(wide.width, wide.height, 3), { raw: { ...wide, channels: 3 } }).jpeg();
      const smaller = [{ kind: 'resize', size: 20, scaledDecode: true }] as const;
      const found = await transformImage(await stored().withMetadata({ orientation }).toBuffer(), smaller);
      const { pixels, width, height } = await transformImage(await stored().toBuffer(), smaller);
      const small = sharp(pixels, { raw: { width, height, channels: 3 } }).withMetadata({ orientation });
      const turn = sharp(await small.png().toBuffer())
        .autoOrient()
        .removeAlpha()
        .raw();
      const { data, info } = await turn.toBuffer({ resolveWithObject: true });
      expect([found.width, found.height]).toEqual([info.width, info.height]);
      const far = found.pixels.map((level, i) => Math.abs(level - (data[i] ?? 0)));
      expect(Math.max(...far)).toBeLessThanOrEqual(1); // sums are rounded in another order
    },
  );
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
    ['begins like a GIF file and is none', Buffer.from('GIF89a..............')],
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
