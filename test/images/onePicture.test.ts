/**
 * One rule for the pixels of a file: whoever reads it sees the same picture, whatever its format and name.
 */
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { batches } from '../../src/data/batches.ts';
import { openDataset } from '../../src/data/open.ts';
import { pack } from '../../src/data/records/pack.ts';
import type { DatasetSpecInput } from '../../src/data/spec.ts';
import { readImage } from '../../src/images/readImage.ts';
import { transformImage } from '../../src/images/transformImage.ts';
import { usualEval, wholeImage } from '../../src/transforms/preprocessing.ts';
import '../support/addon.ts';
import { writeFiles } from '../support/files/images.ts';
import { picture } from '../support/files/photos.ts';
import { temporaryFolder } from '../support/folder.ts';

const [width, height] = [90, 61];
const pixels = picture(width, height, 4);
const rgb = (): Sharp => sharp(pixels, { raw: { width, height, channels: 3 } });
const rgba = (): Sharp => {
  const values = Uint8Array.from({ length: width * height * 4 }, (_, i) =>
    i % 4 === 3 ? (i * 7) % 256 : (pixels[3 * Math.floor(i / 4) + (i % 4)] ?? 0),
  );
  return sharp(values, { raw: { width, height, channels: 4 } });
};
const gray16 = (): Sharp =>
  sharp(
    Uint16Array.from({ length: width * height }, (_, i) => (i * 3571) % 65536),
    { raw: { width, height, channels: 1 } },
  ).toColourspace('grey16');

/** Files that are decoded natively. */
const native: readonly (readonly [what: string, make: () => Sharp])[] = [
  ['JPEG', () => rgb().jpeg()],
  ['JPEG on its side', () => rgb().withMetadata({ orientation: 6 }).jpeg()],
  ['gray JPEG, mirrored', () => rgb().toColourspace('b-w').withMetadata({ orientation: 2 }).jpeg()],
  ['CMYK JPEG', () => rgb().toColourspace('cmyk').jpeg()],
  ['PNG on its head', () => rgb().withMetadata({ orientation: 3 }).png()],
  ['PNG with transparency', () => rgba().png()],
  ['PNG of 16 bits', () => gray16().png()],
];
/** The same picture, and another file of it. */
const foreign: readonly (readonly [what: string, make: () => Sharp, same: () => Sharp])[] = [
  ['WebP', () => rgb().webp({ lossless: true }), () => rgb().png()],
  ['WebP with transparency', () => rgba().webp({ lossless: true, exact: true }), () => rgba().png()],
  [
    'WebP on its side',
    () => rgb().withMetadata({ orientation: 8 }).webp({ lossless: true }),
    () => rgb().withMetadata({ orientation: 8 }).png(),
  ],
  [
    'WebP with a colour profile',
    () => rgb().withIccProfile('p3', { attach: true }).webp({ lossless: true }),
    () => rgb().withIccProfile('p3', { attach: true }).png(),
  ],
  [
    'TIFF on its side',
    () => rgb().withMetadata({ orientation: 6 }).tiff({ compression: 'lzw' }),
    () => rgb().withMetadata({ orientation: 6 }).png(),
  ],
  ['TIFF of 16 bits', () => gray16().tiff({ compression: 'none' }), () => gray16().png()],
  ['AVIF', () => rgb().avif({ lossless: true, chromaSubsampling: '4:4:4' }), () => rgb().png()],
];

/** Pixels of the one image of a data set as an evaluation gets them. */
async function evaluated(spec: DatasetSpecInput, imageSize: number): Promise<Uint8Array> {
  const data = await openDataset(spec);
  onTestFinished(() => data.close());
  for await (const batch of batches(data, { imageSize, onBadImage: 'throw' })) return batch.pixels;
  throw new Error('no batch');
}

describe.each(native)('a %s file', (_, make) => {
  it.each([28, 64, 65, 112])(
    'is one picture at %s pixels: readImage, evaluations of folders and records, transformImage',
    async (side) => {
      const file = await make().toBuffer();
      const folder = await temporaryFolder();
      const path = await writeFiles(join(folder, 'images'), { 'a/some.jpg': file });
      await pack({ kind: 'imageFolder', path }, join(folder, 'records'));
      const seen = await readImage(join(path, 'a/some.jpg'), { channels: 3, height: side, width: side });
      expect(await evaluated({ kind: 'imageFolder', path }, side)).toEqual(seen);
      expect(await evaluated({ kind: 'records', path: join(folder, 'records') }, side)).toEqual(seen);
      expect((await transformImage(file, usualEval(side))).pixels).toEqual(seen);
    },
  );
});

describe.each(foreign)('a %s file', (_, make, same) => {
  it('has the pixels that the same picture has as PNG', async () => {
    const [file, png] = [await make().toBuffer(), await same().toBuffer()];
    for (const options of [{}, { exif: false }]) {
      const found = await transformImage(file, [], options);
      const wanted = await transformImage(png, [], options);
      expect([found.height, found.width]).toEqual([wanted.height, wanted.width]);
      const far = found.pixels.map((level, i) => Math.abs(level - (wanted.pixels[i] ?? 0)));
      expect(Math.max(...far)).toBeLessThanOrEqual(_ === 'AVIF' ? 2 : 0);
    }
  });
});

describe('ink', () => {
  it('becomes colour by (1 - ink) (1 - black), in TIFF as in JPEG files', async () => {
    const ink = sharp({ create: { width: 3, height: 2, channels: 3, background: '#803010' } });
    const file = await ink.toColourspace('cmyk').tiff({ compression: 'none' }).toBuffer();
    const stored = sharp(file).pipelineColourspace('cmyk').toColourspace('cmyk').raw();
    const [c = 0, m = 0, y = 0, k = 0] = await stored.toBuffer();
    expect(k).toBeGreaterThan(20);
    const wanted = [c, m, y].map((level) => 255 - k - Math.round((level * (255 - k)) / 255));
    expect([...(await transformImage(file, [])).pixels.subarray(0, 3)]).toEqual(wanted);
  });
});

describe('the usual transform of an evaluation', () => {
  it.each([28, 64])('leaves an image of %s pixels, which fills its frame, as it is', async (side) => {
    const own = picture(side, side, 2);
    const file = await sharp(own, { raw: { width: side, height: side, channels: 3 } })
      .png()
      .toBuffer();
    expect(await readImage(file, { channels: 3, height: side, width: side })).toEqual(own);
  });

  it('takes 224 of 256 pixels', () => {
    expect(usualEval(224)).toMatchObject([
      { kind: 'resize', size: 256, interpolation: 'bilinear' },
      { kind: 'centerCrop', size: 224 },
    ]);
  });

  it.each([
    ['wide', [20, 40], [20, 40], null],
    ['wide, of a wider image', [20, 40], [30, 90], { kind: 'resize', size: [20, 60] }],
    ['wide, of a high image', [20, 40], [90, 30], { kind: 'resize', size: [120, 40] }],
    ['high', [41, 19], [41, 57], null],
  ] as const)('covers a size that is %s', async (_, size, [h, w], resize) => {
    const raw = { pixels: picture(w, h, 5), height: h, width: w };
    const whole = resize === null ? raw : await transformImage(raw, [resize]);
    const wanted = await transformImage(whole, [{ kind: 'centerCrop', size: [...size] }]);
    expect(await transformImage(raw, wholeImage([...size]))).toEqual(wanted);
  });
});
