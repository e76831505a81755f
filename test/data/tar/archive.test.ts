import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type DatasetName, loadDataset } from '../../../src/data/datasets.ts';
import { readArchive } from '../../../src/data/tar/archive.ts';
import { codeOf } from '../../support/failures.ts';
import { base256, member, type TarEntry, tar } from '../../support/files/tar.ts';
import { temporaryFolder } from '../../support/folder.ts';

/** A record of CIFAR: label bytes, and an image of one value. */
const record = (labels: readonly number[], value: number): Buffer =>
  Buffer.concat([Buffer.from(labels), Buffer.alloc(3072, value)]);

/** The members of the published archive, one image in each file. */
const cifar10: readonly TarEntry[] = [
  { name: 'cifar-10-batches-bin/', type: '5' },
  ...[4, 1, 5, 2, 3].map((i) => ({
    name: `cifar-10-batches-bin/data_batch_${i}.bin`,
    bytes: record([i], 10 * i),
  })),
  { name: 'cifar-10-batches-bin/test_batch.bin', bytes: record([9], 90) },
  { name: 'cifar-10-batches-bin/readme.html', bytes: '<html>' },
];
const cifar100: readonly TarEntry[] = [
  { name: 'cifar-100-binary/train.bin', bytes: record([1, 99], 7) },
  { name: 'cifar-100-binary/test.bin', bytes: record([1, 42], 8) },
];

async function folderWith(name: string, bytes: Uint8Array): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, name), bytes);
  return folder;
}

describe('an archive as it is published', () => {
  it.each<{ name: DatasetName; split: 'train' | 'test'; entries: readonly TarEntry[]; labels: number[] }>([
    { name: 'cifar10', split: 'train', entries: cifar10, labels: [1, 2, 3, 4, 5] },
    { name: 'cifar10', split: 'test', entries: cifar10, labels: [9] },
    { name: 'cifar100', split: 'train', entries: cifar100, labels: [99] },
    { name: 'cifar100', split: 'test', entries: cifar100, labels: [42] },
  ])('may stay packed: $name, $split', async ({ name, split, entries, labels }) => {
    const file = name === 'cifar10' ? 'cifar-10-binary.tar.gz' : 'cifar-100-binary.tar.gz';
    const set = await loadDataset(name, await folderWith(file, gzipSync(tar(entries))), split);
    expect([...set.labels]).toEqual(labels);
    expect(set).toMatchObject({ name, height: 32, width: 32, channels: 3 });
    if (name === 'cifar10' && split === 'train')
      expect(Array.from(set.labels, (_, i) => set.images[3072 * i])).toEqual([10, 20, 30, 40, 50]);
  });

  it('comes second to files that are unpacked beside it', async () => {
    const folder = await folderWith('cifar-100-binary.tar.gz', gzipSync(tar(cifar100)));
    await writeFile(join(folder, 'test.bin'), record([0, 5], 1));
    expect([...(await loadDataset('cifar100', folder, 'test')).labels]).toEqual([5]);
    expect([...(await loadDataset('cifar100', folder, 'train')).labels]).toEqual([99]);
  });

  const gzipped = gzipSync(tar(cifar100));
  const python = [{ name: 'cifar-100-python/train', bytes: 'pickle' }];
  const torn = tar(cifar100).subarray(0, 2000);
  const short = [{ name: 'cifar-100-binary/train.bin', bytes: record([1, 99], 7).subarray(1) }];
  it.each<[string, Uint8Array, string]>([
    ['without the file (the version for Python)', gzipSync(tar(python)), 'train.bin'],
    ['that is empty', Buffer.alloc(0), 'train.bin'],
    ['that is cut off', gzipped.subarray(0, -20), 'unexpected end of file'],
    ['whose checksum does not fit', Buffer.concat([gzipped.subarray(0, -8), Buffer.alloc(8)]), 'check'],
    ['gzipped that holds no tar', gzipSync(Buffer.alloc(1024, 0x61)), 'no header at byte 0'],
    ['gzipped after it was cut off', gzipSync(torn), 'is cut off'],
    ['that is no archive', Buffer.from('<html>404</html>'), 'ends inside the header'],
    ['with a file that is cut off', gzipSync(tar(short)), 'train.bin'],
  ])('is refused by name: %s', async (_, bytes, reason) => {
    const folder = await folderWith('cifar-100-binary.tar.gz', bytes);
    await expect(loadDataset('cifar100', folder, 'train')).rejects.toMatchObject({
      code: 'ERR_DATASET',
      message: expect.stringMatching(
        new RegExp(`cifar-100-binary\\.tar\\.gz.*${reason}|${reason}.*\\.tar\\.gz`),
      ),
    });
  });
});

describe('an archive that unpacks to far more than a published one', () => {
  const huge = (name: string): Buffer => member({ name, size: base256(9 * 2 ** 30) });
  const zeros = Buffer.alloc(2 ** 20);
  it.each<[string, () => Uint8Array]>([
    ['with a wanted file of 9 GiB', () => gzipSync(Buffer.concat([huge('train.bin'), zeros]))],
    ['with another file of 9 GiB', () => gzipSync(Buffer.concat([huge('x'), zeros]))],
    [
      'with 300 MiB behind its end',
      () => Buffer.concat([gzipSync(tar(cifar100)), ...new Array(300).fill(gzipSync(zeros))]),
    ],
  ])('is refused: %s', async (_, bytes) => {
    const folder = await folderWith('cifar-100-binary.tar.gz', bytes());
    expect(await codeOf(loadDataset('cifar100', folder, 'train'))).toBe('ERR_DATASET');
  });
});

describe('readArchive', () => {
  it('gives names, bytes and paths, gzipped or not', async () => {
    const bytes = tar([{ name: 'a/b.txt', bytes: 'hello' }]);
    for (const written of [bytes, gzipSync(bytes)]) {
      const path = join(await folderWith('some.tar', written), 'some.tar');
      expect(await readArchive(path)).toEqual([
        { path: `${path}:a/b.txt`, name: 'a/b.txt', bytes: Buffer.from('hello') },
      ]);
    }
  });

  it('gives only what is wanted', async () => {
    const bytes = tar(['a', 'b', 'c'].map((name) => ({ name, bytes: name.repeat(1000) })));
    for (const written of [bytes, gzipSync(bytes)]) {
      const path = join(await folderWith('some.tar', written), 'some.tar');
      const found = await readArchive(path, (name) => name !== 'b');
      expect(found.map((one) => Buffer.from(one.bytes).toString())).toEqual([
        'a'.repeat(1000),
        'c'.repeat(1000),
      ]);
    }
  });

  it('refuses a file that is missing, and a folder', async () => {
    const folder = await temporaryFolder();
    expect(await codeOf(readArchive(join(folder, 'none.tar')))).toBe('ERR_FILE');
    expect(await codeOf(readArchive(folder))).toBe('ERR_FILE');
  });
});
