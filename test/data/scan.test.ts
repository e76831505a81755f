import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../../src/data/open.ts';
import { checkImages } from '../../src/data/scan.ts';
import { fromAsyncIterable } from '../../src/data/stream.ts';
import { datasetOf } from '../../src/loading/images.ts';
import '../support/addon.ts';
import { codeOf } from '../support/failures.ts';
import { photosOf, writePhotos } from '../support/files/photos.ts';
import { tar } from '../support/files/tar.ts';
import { temporaryFolder } from '../support/folder.ts';

const photos = async (): Promise<string> =>
  writePhotos(await temporaryFolder(), { ...photosOf(2, 5), 'b/x.png': [20, 30], 'b/y.gray.jpg': [9, 9] });

describe('the check of all images', () => {
  it('finds nothing wrong with sound ones', async () => {
    await using data = await openDataset({ kind: 'imageFolder', path: await photos() });
    expect(await checkImages(data)).toEqual([]);
  });

  it.each([1, 3])('lists the bad ones in their order, with the reason: %s workers', async (workers) => {
    const path = await photos();
    const harm: Record<string, (file: string) => Promise<unknown>> = {
      'a/1.jpg': async (file) => truncate(file, (await readFile(file)).length - 300),
      'a/3.jpg': (file) => truncate(file, 0),
      'b/0.jpg': (file) => writeFile(file, 'no image'),
      'b/4.jpg': (file) => rm(file),
      'b/x.png': async (file) => {
        const bytes = await readFile(file);
        const at = bytes.indexOf('IDAT') + 20;
        bytes[at] = (bytes[at] ?? 0) ^ 255;
        await writeFile(file, bytes);
      },
    };
    await using data = await openDataset({ kind: 'imageFolder', path });
    for (const [name, change] of Object.entries(harm)) await change(join(path, name));
    const bad = await checkImages(data, { workers });
    expect(bad.map(({ name }) => name)).toEqual(Object.keys(harm).map((name) => join(path, name)));
    for (const { reason } of bad) expect(reason).not.toBe('');
    expect(Object.keys(bad[0] ?? {})).toEqual(['name', 'reason']);
  });

  it('names the shard and the image in it', async () => {
    const path = join(await temporaryFolder(), 'some.tar');
    await writeFile(
      path,
      tar([
        { name: 'k.jpg', bytes: 'no image' },
        { name: 'k.cls', bytes: '0' },
      ]),
    );
    await using data = await openDataset({ kind: 'webDataset', path });
    const [bad] = await checkImages(data);
    expect(bad?.name).toContain(path);
  });

  it('says how far it is, at last that all are done', async () => {
    await using data = await openDataset({ kind: 'imageFolder', path: await photos() });
    const told: [number, number][] = [];
    await checkImages(data, { onProgress: (done, total) => told.push([done, total]) });
    expect(told.at(-1)).toEqual([12, 12]);
    expect(told.map(([done]) => done)).toEqual(told.map(([done]) => done).toSorted((a, b) => a - b));
  });

  it('has nothing to look at in pixels in memory and in a stream', async () => {
    const images = { images: new Uint8Array(12), labels: [0], height: 2, width: 2, channels: 3 };
    expect(await checkImages(datasetOf({ ...images, labels: new Int32Array(1), count: 1 }))).toEqual([]);
    await using stream = fromAsyncIterable([], { classNames: ['a'] });
    expect(await checkImages(stream)).toEqual([]);
  });

  it('ends at its signal, at a callback that throws, and refuses what is closed or wrong', async () => {
    const data = await openDataset({ kind: 'imageFolder', path: await photos() });
    expect(await codeOf(checkImages(data, { signal: AbortSignal.abort() }))).toBe('ERR_ABORTED');
    const onProgress = (): void => {
      throw new Error('mine');
    };
    await expect(checkImages(data, { onProgress })).rejects.toThrow('mine');
    expect(await codeOf(checkImages(data, { workers: 0 }))).toBe('ERR_CONFIG');
    expect(await codeOf(checkImages(data, { worker: 2 } as object))).toBe('ERR_CONFIG');
    await data.close();
    expect(await codeOf(checkImages(data))).toBe('ERR_CLOSED');
  });
});
