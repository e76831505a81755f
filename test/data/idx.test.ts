import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readIdxImages, readIdxLabels, readIdxSet } from '../../src/data/idx.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';

function idx(sizes: readonly number[], values: readonly number[], magic = 0x800 + sizes.length): Buffer {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  header.writeUInt32BE(magic);
  for (const [i, size] of sizes.entries()) header.writeUInt32BE(size, 4 + 4 * i);
  return Buffer.concat([header, Buffer.from(values)]);
}

const pixels = Array.from({ length: 12 }, (_, i) => 20 * i);
const images = idx([2, 2, 3], pixels);
const labels = idx([2], [1, 0]);

async function fileOf(bytes: Uint8Array, name = 'x'): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, bytes);
  return path;
}

describe('IDX files', () => {
  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['plain', (bytes) => bytes],
    ['gzipped, whatever their name', (bytes) => gzipSync(bytes)],
  ])('are read %s', async (_, pack) => {
    const read = await readIdxImages(await fileOf(pack(images)));
    expect(read).toMatchObject({ count: 2, height: 2, width: 3 });
    expect([...read.images]).toEqual(pixels);
    expect(await readIdxLabels(await fileOf(pack(labels)))).toEqual(new Int32Array([1, 0]));
  });

  it('become one set', async () => {
    const set = await readIdxSet('toy', [await fileOf(images), await fileOf(labels)], ['no', 'yes']);
    expect(set).toMatchObject({
      name: 'toy',
      count: 2,
      height: 2,
      width: 3,
      channels: 1,
      classNames: ['no', 'yes'],
    });
    expect(set.labels).toEqual(new Int32Array([1, 0]));
  });

  it.each<[string, Buffer]>([
    ['an empty file', Buffer.alloc(0)],
    ['two bytes', Buffer.from([0, 0])],
    ['a wrong magic number', idx([2, 2, 3], pixels, 0x12345678)],
    ['another element type', idx([2, 2, 3], pixels, 0xd03)],
    ['labels in the place of images', labels],
    ['a header that is cut off', images.subarray(0, 10)],
    ['values that are cut off', images.subarray(0, -1)],
    ['values too many', Buffer.concat([images, Buffer.alloc(1)])],
    ['a count that overflows', idx([2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1], pixels)],
    ['no images', idx([0, 2, 3], [])],
    ['images of no size', idx([2, 0, 3], [])],
    ['a gzip file that is cut off', gzipSync(images).subarray(0, -9)],
    ['a gzip file that is damaged', Buffer.from([0x1f, 0x8b, 1, 2, 3])],
  ])('are refused by name: %s', async (_, bytes) => {
    const read = readIdxImages(await fileOf(bytes, 'torn-images'));
    await expect(read).rejects.toMatchObject({
      code: 'ERR_DATASET',
      message: expect.stringContaining('torn-images'),
    });
  });

  it.each<[string, Buffer]>([
    ['fewer labels than images', idx([1], [0])],
    ['more labels than images', idx([3], [0, 1, 0])],
    ['a label out of range', idx([2], [0, 2])],
    ['images in the place of labels', images],
  ])('are refused as a set: %s', async (_, bytes) => {
    const read = readIdxSet('toy', [await fileOf(images), await fileOf(bytes, 'torn-labels')], ['no', 'yes']);
    await expect(read).rejects.toMatchObject({
      code: 'ERR_DATASET',
      message: expect.stringContaining('torn-labels'),
    });
  });

  it('are refused when too large to be read', async () => {
    const path = await fileOf(images);
    await truncate(path, 5 * 2 ** 30); // sparse: takes no space
    expect(await codeOf(readIdxImages(path))).toBe('ERR_FILE');
  });

  it.each<[string, Buffer]>([
    ['2 GiB of images', gzipSync(Buffer.concat([idx([2 ** 21, 32, 32], []), Buffer.alloc(2 ** 20)]))],
    [
      '64 MiB and more, a thousand to one',
      gzipSync(Buffer.concat([idx([2 ** 17, 24, 24], []), Buffer.alloc(1000)])),
    ],
    [
      'one image, and 100 MiB behind it',
      gzipSync(Buffer.concat([idx([1, 2, 3], [1, 2, 3, 4, 5, 6]), Buffer.alloc(100 * 2 ** 20)])),
    ],
  ])('are refused when they unpack to what no published file has: %s', async (_, bytes) => {
    expect(await codeOf(readIdxImages(await fileOf(bytes)))).toBe('ERR_DATASET');
  });

  it('are refused when compressed by another program, which is told', async () => {
    const path = await fileOf(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 0, 0]));
    await expect(readIdxImages(path)).rejects.toMatchObject({
      code: 'ERR_DATASET',
      message: expect.stringContaining('xz'),
    });
  });

  it('are refused when missing', async () => {
    expect(await codeOf(readIdxLabels(join(await temporaryFolder(), 'none')))).toBe('ERR_FILE');
  });

  it('never give another error than an LmError, whatever is in them', async () => {
    const path = await fileOf(images);
    const starts = fc.constantFrom(images, gzipSync(images), labels, Buffer.alloc(0));
    const bytes = fc.tuple(starts, fc.nat(30), fc.uint8Array({ maxLength: 20 }));
    await fc.assert(
      fc.asyncProperty(bytes, async ([start, keep, rest]) => {
        await writeFile(path, Buffer.concat([start.subarray(0, keep), rest]));
        expect(['none', 'ERR_DATASET']).toContain(await codeOf(readIdxImages(path)));
      }),
      { numRuns: 200 },
    );
  });
});
