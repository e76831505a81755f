import { rmSync } from 'node:fs';
import { readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../../../src/data/open.ts';
import { type PackOptions, pack } from '../../../src/data/records/pack.ts';
import '../../support/addon.ts';
import { codeOf } from '../../support/failures.ts';
import { photosOf, writePhotos } from '../../support/files/photos.ts';
import { temporaryFolder } from '../../support/folder.ts';

interface Job {
  readonly folder: string;
  readonly run: (options?: PackOptions) => ReturnType<typeof pack>;
}

describe('an image that cannot be read or decoded', () => {
  /** Photos of two classes, three of each, some of which are harmed; a shard of records for each. */
  const broken = async (...harm: ((path: string) => Promise<unknown>)[]): Promise<Job> => {
    const parent = await temporaryFolder();
    const data = await writePhotos(join(parent, 'photos'), photosOf(2, 3));
    for (const [i, change] of harm.entries()) await change(join(data, `a/${i}.jpg`));
    const folder = join(parent, 'records');
    const spec = { kind: 'imageFolder', path: data } as const;
    return { folder, run: (options) => pack(spec, folder, { shardBytes: 1, workers: 2, ...options }) };
  };
  const half = async (path: string): Promise<void> =>
    truncate(path, Math.floor((await readFile(path)).length / 2));
  const text = (path: string): Promise<void> => writeFile(path, 'not an image');
  const empty = (path: string): Promise<void> => truncate(path, 0);

  it('is left out and told of, when it is packed and when that is repeated', async () => {
    const { run, folder } = await broken(half, text, empty);
    const { count, bad } = await run();
    expect(count).toBe(3);
    expect(bad.map(({ name }) => name).toSorted()).toEqual(['a/0.jpg', 'a/1.jpg', 'a/2.jpg']);
    for (const { reason } of bad) expect(reason).not.toBe('');
    await using data = await openDataset({ kind: 'records', path: folder });
    expect([...(data.labels ?? [])]).toEqual([1, 1, 1]);
    expect(data.classNames).toEqual(['a', 'b']);
    const again = await run();
    expect(again).toMatchObject({ count: 3, kept: 6 });
    expect(again.bad.map(({ name }) => name).toSorted()).toEqual(bad.map(({ name }) => name).toSorted());
  });

  it.each<[string, (path: string) => Promise<void>]>([
    ['a dangling link', (path) => symlink('nowhere.jpg', path)],
    ['a link to itself', (path) => symlink(basename(path), path)],
    ['a link to a folder', (path) => symlink('..', path)],
    ['a link to a device', (path) => symlink('/dev/full', path)],
  ])('is left out and told of where it cannot be read: %s', async (_, make) => {
    const unreadable = async (path: string): Promise<void> => {
      await rm(path);
      await make(path);
    };
    const { run } = await broken(unreadable);
    for (const kept of [0, 6]) {
      const found = await run();
      expect(found).toMatchObject({ count: 5, kept });
      expect(found.bad.map(({ name }) => name)).toEqual(['a/0.jpg']);
    }
    expect(await codeOf(run({ onBadImage: 'throw' }))).toBe('ERR_IMAGE');
  });

  it('is left out and told of where it goes while others are packed', async () => {
    const { run, folder } = await broken();
    const last = join(folder, '../photos/b/2.jpg');
    const { count, bad } = await run({ workers: 1, onProgress: () => rmSync(last, { force: true }) });
    expect(count).toBe(5);
    expect(bad).toMatchObject([{ name: 'b/2.jpg', reason: expect.stringContaining('ENOENT') }]);
  });

  it('ends the work where that is wanted, after a run that left it out too', async () => {
    for (const first of [{}, undefined]) {
      const { run } = await broken(async () => {}, half);
      if (first !== undefined) await run(first);
      await expect(run({ onBadImage: 'throw', shardBytes: 1 })).rejects.toMatchObject({
        code: 'ERR_IMAGE',
        message: expect.stringContaining('a/1.jpg'),
      });
    }
  });

  it('ends the work of all at once', async () => {
    const { run } = await broken(text);
    const told: number[] = [];
    const onProgress = (done: number): void => void told.push(done);
    expect(await codeOf(run({ onBadImage: 'throw', shardBytes: 2 ** 30, workers: 1, onProgress }))).toBe(
      'ERR_IMAGE',
    );
    expect(told).toEqual([]);
  });

  it('leaves nothing to pack when there are no others', async () => {
    const { run, folder } = await broken(text);
    for (const name of ['a/1.jpg', 'a/2.jpg', 'b/0.jpg', 'b/1.jpg', 'b/2.jpg'])
      await text(join(folder, '../photos', name));
    expect(await codeOf(run())).toBe('ERR_DATASET');
  });
});
