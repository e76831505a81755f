import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { batches } from '../../src/data/batches.ts';
import { openDataset } from '../../src/data/open.ts';
import {
  type RgbImage,
  type TransformImageOptions,
  transformImage,
} from '../../src/images/transformImage.ts';
import type { TransformInput } from '../../src/transforms/transforms.ts';
import '../support/addon.ts';
import { codeOf } from '../support/failures.ts';
import { photosOf, picture, writePhotos } from '../support/files/photos.ts';
import { temporaryFolder } from '../support/folder.ts';

const [width, height] = [12, 9];
const image: RgbImage = { pixels: picture(width, height, 1), width, height };
const random: TransformInput = [{ kind: 'randomResizedCrop', size: 16 }, { kind: 'horizontalFlip' }];

/** Rows of pixels. */
const rows = ({ pixels, height: h, width: w }: RgbImage): Uint8Array[] =>
  Array.from({ length: h }, (_, y) => pixels.subarray(3 * w * y, 3 * w * (y + 1)));

describe('transformImage', () => {
  it('takes pixels, and leaves them as they are without a transform', async () => {
    const before = image.pixels.slice();
    expect(await transformImage(image, [])).toEqual(image);
    expect(image.pixels).toEqual(before);
  });

  it('crops the middle and what is named, with black around', async () => {
    const middle = await transformImage(image, [{ kind: 'centerCrop', size: [3, 4] }]);
    expect(rows(middle)).toEqual(
      rows(image)
        .slice(3, 6)
        .map((row) => row.subarray(3 * 4, 3 * 8)),
    );
    const wide = await transformImage(image, [{ kind: 'centerCrop', size: [9, 14] }]);
    expect(rows(wide)).toEqual(rows(image).map((row) => Uint8Array.of(0, 0, 0, ...row, 0, 0, 0)));
  });

  it('takes a view into a larger array', async () => {
    const memory = new Uint8Array(1000);
    memory.set(image.pixels, 77);
    const pixels = memory.subarray(77, 77 + image.pixels.length);
    expect(await transformImage({ pixels, width, height }, [])).toEqual(image);
  });

  it('makes the same of a path and of bytes', async () => {
    const folder = await writePhotos(await temporaryFolder(), { 'a.jpg': [40, 30] });
    const path = join(folder, 'a.jpg');
    const found = await transformImage(path, random, { index: 3 });
    expect(found).toMatchObject({ width: 16, height: 16 });
    expect(await transformImage(await readFile(path), random, { index: 3 })).toEqual(found);
  });

  it('draws by seed, epoch and index alone', async () => {
    const made = async (options: TransformImageOptions): Promise<string> =>
      Buffer.from((await transformImage(image, random, options)).pixels).toString('hex');
    expect(await made({})).toBe(await made({ seed: 0, epoch: 0, index: 0 }));
    const all = await Promise.all([{}, { seed: 1 }, { epoch: 1 }, { index: 1 }].map(made));
    expect(new Set(all).size).toBe(4);
  });

  it('makes what a training gets', async () => {
    const folder = await writePhotos(await temporaryFolder(), photosOf(2, 3));
    await using data = await openDataset({ kind: 'imageFolder', path: folder, transform: random });
    let seen = 0;
    for await (const { pixels, indices } of batches(data, { batch: 3, training: true, seed: 5, epoch: 2 }))
      for (const [i, index] of indices.entries()) {
        const found = await transformImage(data.nameOf(index), random, { seed: 5, epoch: 2, index });
        expect(Buffer.from(pixels.subarray(768 * i, 768 * (i + 1)))).toEqual(Buffer.from(found.pixels));
        seen++;
      }
    expect(seen).toBe(6);
  });

  it.each<[string, RgbImage | string | Uint8Array, TransformInput, TransformImageOptions, string]>([
    ['an operation', image, [{ kind: 'flip' }] as unknown as TransformInput, {}, 'ERR_CONFIG'],
    ['no list', image, 'flip' as unknown as TransformInput, {}, 'ERR_CONFIG'],
    ['a seed', image, [], { seed: -1 }, 'ERR_CONFIG'],
    ['an index', image, [], { index: 0.5 }, 'ERR_CONFIG'],
    ['a mean', image, [], { mean: [0.5] }, 'ERR_CONFIG'],
    ['an unknown option', image, [], { sed: 1 } as TransformImageOptions, 'ERR_CONFIG'],
    ['pixels of another size', { ...image, width: 13 }, [], {}, 'ERR_SHAPE'],
    ['pixels that are no bytes', { ...image, pixels: [1] as unknown as Uint8Array }, [], {}, 'ERR_CONFIG'],
    ['no pixels', { pixels: new Uint8Array(0), width: 0, height: 0 }, [], {}, 'ERR_CONFIG'],
    ['sizes below zero', { ...image, width: -12, height: -9 }, [], {}, 'ERR_CONFIG'],
    ['sizes that are not whole', { ...image, width: 4.5, height: 24 }, [], {}, 'ERR_CONFIG'],
    ['no image', null as unknown as string, [], {}, 'ERR_CONFIG'],
    ['bytes of no image', Uint8Array.of(1, 2, 3), [], {}, 'ERR_IMAGE'],
    ['no bytes', new Uint8Array(0), [], {}, 'ERR_IMAGE'],
    ['a random crop that is larger', image, [{ kind: 'randomCrop', size: 20 }], {}, 'ERR_IMAGE'],
    ['a file that is missing', '/nowhere/a.jpg', [], {}, 'ERR_FILE'],
  ])('refuses %s', async (_, some, transform, options, code) => {
    expect(await codeOf(() => transformImage(some, transform, options))).toBe(code);
  });

  it('names the file that cannot be decoded', async () => {
    const path = join(await temporaryFolder(), 'torn.jpg');
    await writeFile(path, 'no image');
    await expect(transformImage(path, [])).rejects.toMatchObject({
      code: 'ERR_IMAGE',
      message: expect.stringContaining(path),
    });
  });
});
