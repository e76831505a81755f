import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { imageSet } from '../../src/data/imageSet.ts';
import { openDataset } from '../../src/data/open.ts';
import { type PreviewOptions, writePreview } from '../../src/data/preview.ts';
import { fromAsyncIterable } from '../../src/data/stream.ts';
import '../support/addon.ts';
import { codeOf } from '../support/failures.ts';
import { photosOf, writePhotos } from '../support/files/photos.ts';
import { temporaryFolder } from '../support/folder.ts';

/** Images of one colour each: image i is (10 i, 20 i, 30 i), or 10 i in gray. */
function flat(count: number, side: number, channels: 1 | 3): ReturnType<typeof imageSet> {
  const images = Uint8Array.from({ length: count * side * side * channels }, (_, i) => {
    const image = Math.floor(i / (side * side * channels));
    return 10 * image * ((i % channels) + 1);
  });
  return imageSet({
    images,
    labels: Array.from({ length: count }, () => 0),
    height: side,
    width: side,
    channels,
  });
}

describe('a preview', () => {
  // Cells: a picture of at least 96 pixels, 8 beside it, 18 + 8 below; as many columns as make the sheet 4 :
  // 3.
  it.each<{ side: number; count: number; size: readonly [width: number, height: number] }>([
    { side: 32, count: 1, size: [8 + 104, 8 + 122] },
    { side: 32, count: 6, size: [8 + 4 * 104, 8 + 2 * 122] },
    { side: 100, count: 48, size: [8 + 9 * 108, 8 + 6 * 126] },
    { side: 28, count: 12, size: [8 + 5 * 120, 8 + 3 * 138] },
  ])('of $count images of $side pixels is a PNG of $size', async ({ side, count, size }) => {
    const path = join(await temporaryFolder(), 'sheet.png');
    expect(await writePreview(path, flat(count, side, 3), { count })).toBe(count);
    const { format, width, height } = await sharp(path).metadata();
    expect({ format, size: [width, height] }).toEqual({ format: 'png', size });
  });

  it.each([1, 3] as const)('shows every image in its place: %s channels', async (channels) => {
    const path = join(await temporaryFolder(), 'sheet.png');
    await writePreview(path, flat(6, 48, channels), { count: 6 });
    const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    for (let i = 0; i < 6; i++)
      for (const [x, y] of [
        [0, 0],
        [95, 95],
      ] as const) {
        const at = ((8 + Math.floor(i / 4) * 122 + y) * info.width + 8 + (i % 4) * 104 + x) * 3;
        const wanted = channels === 1 ? [10 * i, 10 * i, 10 * i] : [10 * i, 20 * i, 30 * i];
        expect([...data.subarray(at, at + 3)]).toEqual(wanted);
      }
  });

  it('is that of the transform, the seed and the epoch', async () => {
    const folder = await temporaryFolder();
    const path = await writePhotos(join(folder, 'photos'), photosOf(3, 4));
    await using data = await openDataset({ kind: 'imageFolder', path });
    const out = join(folder, 'sheet.png');
    const sheet = async (options: PreviewOptions): Promise<string> => {
      expect(await writePreview(out, data, { imageSize: 32, count: 6, workers: 1, ...options })).toBe(6);
      return (await readFile(out)).toString('base64');
    };
    const first = await sheet({ training: true });
    expect(await sheet({ training: true })).toBe(first);
    expect(await sheet({ training: true, workers: 2 })).toBe(first);
    for (const other of [{ training: true, seed: 1 }, { training: true, epoch: 1 }, { training: false }])
      expect(await sheet(other)).not.toBe(first);
    expect(await readdir(folder)).toEqual(['photos', 'sheet.png']);
  });

  it('takes class names of any letters', async () => {
    const path = join(await temporaryFolder(), 'sheet.png');
    const images = { images: new Uint8Array(3 * 768), labels: [0, 1, 2], height: 16, width: 16, channels: 3 };
    const classNames = ['<b> & "x"', 'a\u0007b\u0000', `${'m'.repeat(300)}🐈`];
    expect(await writePreview(path, imageSet({ ...images, classNames }))).toBe(3);
  });

  it('of fewer images than wanted shows them all, of a stream those that come', async () => {
    const path = join(await temporaryFolder(), 'sheet.png');
    expect(await writePreview(path, flat(3, 8, 1), { count: 48 })).toBe(3);
    const samples = Array.from({ length: 5 }, (_, label) => ({ image: new Uint8Array(192), label }));
    const size = { height: 8, width: 8, channels: 3 } as const;
    await using stream = fromAsyncIterable(samples, { classNames: ['a', 'b', 'c', 'd', 'e'], size });
    expect(await writePreview(path, stream, { count: 4 })).toBe(4);
  });

  it('is refused when nothing can be shown or written', async () => {
    const folder = await temporaryFolder();
    const out = join(folder, 'sheet.png');
    expect(await codeOf(writePreview(join(folder, 'none', 'x.png'), flat(1, 8, 3)))).toBe('ERR_FILE');
    expect(await codeOf(writePreview(out, flat(1, 8, 3), { count: 0 }))).toBe('ERR_CONFIG');
    expect(await codeOf(writePreview(out, flat(1, 8, 3), { epoch: -1 }))).toBe('ERR_CONFIG');
    const path = await writePhotos(join(folder, 'photos'), photosOf(1, 1));
    await writeFile(join(path, 'a/0.jpg'), 'no image');
    await using data = await openDataset({ kind: 'imageFolder', path });
    expect(await codeOf(writePreview(out, data, { onBadImage: 'throw' }))).toBe('ERR_IMAGE');
    await using empty = fromAsyncIterable([], { classNames: ['a'] });
    expect(await writePreview(out, empty)).toBe(0);
    expect(await readdir(folder)).toEqual(['photos']);
  });
});
