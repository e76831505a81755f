import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCifarSet } from '../../src/data/cifar.ts';
import { cifar10, cifar100 } from '../../src/data/classNames.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';

/** One record in the format's own terms: label bytes, 1024 red, 1024 green, 1024 blue. */
function record(labels: readonly number[], pixel: (channel: number, at: number) => number): Buffer {
  const planes = Array.from({ length: 3072 }, (_, i) => pixel(Math.floor(i / 1024), i % 1024));
  return Buffer.from([...labels, ...planes]);
}

const value = (image: number) => (channel: number, at: number) => (image + 80 * channel + at) % 256;

async function fileOf(bytes: Uint8Array, name = 'batch.bin'): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, bytes);
  return path;
}

describe('CIFAR files', () => {
  it('become interleaved images, in the order of the files', async () => {
    const first = await fileOf(Buffer.concat([record([3], value(0)), record([9], value(1))]));
    const second = await fileOf(record([0], value(2)));
    const set = await readCifarSet('cifar10', [first, second], cifar10);
    expect(set).toMatchObject({ count: 3, height: 32, width: 32, channels: 3 });
    expect([...set.labels]).toEqual([3, 9, 0]);
    for (const [image, y, x, channel] of [
      [0, 0, 0, 0],
      [0, 0, 1, 2],
      [1, 31, 31, 1],
      [2, 5, 7, 2],
    ] as const)
      expect(set.images[((image * 32 + y) * 32 + x) * 3 + channel]).toBe(value(image)(channel, 32 * y + x));
  });

  it('of 100 classes give the fine label, the second byte', async () => {
    const path = await fileOf(Buffer.concat([record([19, 99], value(4)), record([3, 0], value(5))]));
    const set = await readCifarSet('cifar100', [path], cifar100);
    expect([...set.labels]).toEqual([99, 0]);
    expect(set.images[0]).toBe(4);
  });

  it('are read whole when there are more records than one read takes', async () => {
    const one = record([7], value(1));
    const set = await readCifarSet('cifar10', [await fileOf(Buffer.concat(Array(4001).fill(one)))], cifar10);
    expect(set.count).toBe(4001);
    expect(set.labels.every((label) => label === 7)).toBe(true);
    expect(set.images.subarray(4000 * 3072)).toEqual(set.images.subarray(0, 3072));
  });

  it('are refused before memory is taken for more images than any has', async () => {
    const path = await fileOf(record([1], value(0)));
    await truncate(path, 3073 * 10 ** 9); // sparse: takes no space
    expect(await codeOf(readCifarSet('cifar10', [path], cifar10))).toBe('ERR_DATASET');
  });

  it.each<[string, Buffer, readonly string[]]>([
    ['an empty file', Buffer.alloc(0), cifar10],
    ['a cut off record', record([1], value(0)).subarray(0, -1), cifar10],
    ['a label out of range', record([10], value(0)), cifar10],
    ['a fine label out of range', record([0, 100], value(0)), cifar100],
    ['the files of the other set', record([0, 1], value(0)), cifar10],
  ])('are refused by name: %s', async (_, bytes, names) => {
    const read = readCifarSet('x', [await fileOf(bytes, 'torn.bin')], names);
    await expect(read).rejects.toMatchObject({
      code: 'ERR_DATASET',
      message: expect.stringContaining('torn.bin'),
    });
  });

  it('are refused when missing', async () => {
    expect(await codeOf(readCifarSet('x', [join(await temporaryFolder(), 'none.bin')], cifar10))).toBe(
      'ERR_FILE',
    );
  });
});
