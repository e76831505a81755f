import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../../src/checkpoint/safetensors.ts';
import { batches } from '../../../src/data/batches.ts';
import { openDataset } from '../../../src/data/open.ts';
import { manifestName, recordsVersion, shardName } from '../../../src/data/records/format.ts';
import { openRecords, readShard } from '../../../src/data/records/open.ts';
import { pack } from '../../../src/data/records/pack.ts';
import { checkImages } from '../../../src/data/scan.ts';
import '../../support/addon.ts';
import { codeOf } from '../../support/failures.ts';
import { photosOf, writePhotos } from '../../support/files/photos.ts';
import { temporaryFolder } from '../../support/folder.ts';

/** Records of two classes, two images each, one in each shard. */
async function records(): Promise<string> {
  const parent = await temporaryFolder();
  const path = await writePhotos(join(parent, 'photos'), photosOf(2, 2));
  const folder = join(parent, 'records');
  await pack({ kind: 'imageFolder', path }, folder, { shardBytes: 1, workers: 1 });
  return folder;
}

async function changeManifest(folder: string, change: object): Promise<void> {
  const path = join(folder, manifestName);
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...change }));
}

/** Flips bits of the byte at a position that text in the file marks. */
async function flip(path: string, place: (bytes: Buffer) => number): Promise<void> {
  const bytes = await readFile(path);
  const at = place(bytes);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

describe('packed records', () => {
  it('give where images are, their names and labels', async () => {
    const { files, table, labels, names, classNames } = await openRecords(await records());
    expect(names).toEqual(['a/0.jpg', 'a/1.jpg', 'b/0.jpg', 'b/1.jpg']);
    expect([...labels]).toEqual([0, 0, 1, 1]);
    expect(classNames).toEqual(['a', 'b']);
    for (const [i, { path }] of files.entries()) {
      const [shard, start = 0, length = 0, , rows = 0] = table.subarray(5 * i, 5 * i + 5);
      expect(shard).toBe(i);
      const bytes = (await readFile(path)).subarray(start, start + length);
      expect(bytes.subarray(4 * rows, 4 * rows + 2)).toEqual(Buffer.from([0xff, 0xd8]));
      expect(bytes.subarray(-2)).toEqual(Buffer.from([0xff, 0xd9]));
    }
  });

  it('take what is held out, and have no part to test on else', async () => {
    const path = await records();
    const test = { kind: 'records', path, split: 'test' } as const;
    expect(await codeOf(openDataset(test))).toBe('ERR_CONFIG');
    await using out = await openDataset({ ...test, holdOut: { fraction: 0.5 } });
    expect([...(out.labels ?? [])]).toEqual([0, 1]);
    await using none = await openDataset({ kind: 'records', path });
    expect(none.nameOf(2)).toContain(shardName(2));
  });

  it.each<[string, (folder: string) => Promise<unknown>, string]>([
    ['are not complete', (folder) => changeManifest(folder, { complete: false }), 'records'],
    [
      'are of a newer format',
      (folder) => changeManifest(folder, { version: recordsVersion + 1 }),
      manifestName,
    ],
    ['are of another program', (folder) => changeManifest(folder, { format: 'x' }), manifestName],
    ['have no classes', (folder) => changeManifest(folder, { classNames: [] }), manifestName],
    ['have fewer classes than labels', (folder) => changeManifest(folder, { classNames: ['a'] }), 'records'],
    ['have other counts', (folder) => changeManifest(folder, { count: 5 }), 'records'],
    ['have a manifest that is cut off', (folder) => truncate(join(folder, manifestName), 20), manifestName],
    ['have an empty manifest', (folder) => truncate(join(folder, manifestName), 0), manifestName],
    ['have a shard that is cut off', (folder) => truncate(join(folder, shardName(1)), 600), shardName(1)],
    ['have an empty shard', (folder) => truncate(join(folder, shardName(1)), 0), shardName(1)],
    [
      'have a shard of text',
      (folder) => writeFile(join(folder, shardName(3)), 'text of some length'),
      shardName(3),
    ],
    [
      'have a shard whose index was changed',
      (folder) => flip(join(folder, shardName(0)), (bytes) => bytes.indexOf('a/0.jpg')),
      shardName(0),
    ],
  ])('are refused by name when they %s', async (_, harm, name) => {
    const folder = await records();
    await harm(folder);
    const message = expect.stringContaining(name);
    await expect(openRecords(folder)).rejects.toMatchObject({ code: 'ERR_DATASET', message });
  });

  it.each<[string, (folder: string) => Promise<unknown>]>([
    ['a shard is missing', (folder) => rm(join(folder, shardName(2)))],
    ['the manifest is missing', (folder) => rm(join(folder, manifestName))],
    ['the folder is missing', (folder) => rm(folder, { recursive: true })],
  ])('are refused as files when %s', async (_, harm) => {
    const folder = await records();
    await harm(folder);
    expect(await codeOf(openRecords(folder))).toBe('ERR_FILE');
  });

  it('whose manifest claims shards without end are refused at the first that is missing', async () => {
    const folder = await records();
    await changeManifest(folder, { shards: 2 ** 32 });
    expect(await codeOf(openRecords(folder))).toBe('ERR_FILE');
    await writeFile(join(folder, manifestName), `[${'[],'.repeat(2 ** 21)}[]]`);
    expect(await codeOf(openRecords(folder))).toBe('ERR_DATASET');
    await truncate(join(folder, manifestName), 2 ** 40); // sparse: takes no space
    expect(await codeOf(openRecords(folder))).toBe('ERR_FILE');
  });

  it.each(['', '[', '{}', 'null', '['.repeat(1e6), `[${'{},'.repeat(2e6)}{}]`])(
    'refuse a shard whose index is none: case %#',
    async (entries) => {
      const folder = await records();
      const data = { name: 'data', dtype: 'U8' as const, shape: [1], data: new Uint8Array(1) };
      await writeSafetensors(join(folder, shardName(0)), [data], { entries, crc: String(crc32(entries)) });
      expect(await codeOf(openRecords(folder))).toBe('ERR_DATASET');
    },
  );

  it('of very small images are cut so that every index can be read', async () => {
    const parent = await temporaryFolder();
    const names = Array.from({ length: 60 }, (_, i) => `a/${String(i).padStart(200, 'n')}.png`);
    const path = await writePhotos(
      join(parent, 'p'),
      Object.fromEntries(names.map((name) => [name, [1, 1]])),
    );
    await pack({ kind: 'imageFolder', path }, join(parent, 'r'));
    expect((await openRecords(join(parent, 'r'))).files).toHaveLength(1);
  });

  it('refuse a shard whose entries reach beyond it', async () => {
    const folder = await records();
    const path = join(folder, shardName(0));
    const [entry] = (await readShard(path)).entries;
    for (const change of [{ length: 1e9 }, { offset: 1e9 }, { rows: 1e6 }, { length: -1 }, { label: 0.5 }]) {
      const entries = JSON.stringify([{ ...entry, ...change }]);
      const data = { name: 'data', dtype: 'U8' as const, shape: [100], data: new Uint8Array(100) };
      await writeSafetensors(path, [data], { entries, crc: String(crc32(entries)) });
      expect(await codeOf(openRecords(folder))).toBe('ERR_DATASET');
    }
  });

  it('with a byte of an image that was changed are found by the check, and when they are read', async () => {
    const folder = await records();
    await flip(join(folder, shardName(2)), (bytes) => bytes.length - 100);
    await using data = await openDataset({ kind: 'records', path: folder });
    const [found, ...others] = await checkImages(data, { workers: 1 });
    expect(others).toEqual([]);
    expect(found).toMatchObject({ reason: expect.stringContaining('checksum') });
    expect(found?.name).toContain(shardName(2));
    const read = async (): Promise<void> => {
      for await (const _ of batches(data, { batch: 4, imageSize: 16, onBadImage: 'throw' }));
    };
    expect(await codeOf(read())).toBe('ERR_IMAGE');
  });
});
