/** Shards that change while they are read. */
import { copyFile, readFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCheckpointInfo } from '../../src/checkpoint/checkpoint.ts';
import { batches } from '../../src/data/batches.ts';
import { openDataset } from '../../src/data/open.ts';
import { shardName } from '../../src/data/records/format.ts';
import { pack } from '../../src/data/records/pack.ts';
import { checkImages } from '../../src/data/scan.ts';
import type { DatasetSpecInput } from '../../src/data/spec.ts';
import type { Dataset } from '../../src/loading/dataset.ts';
import { train } from '../../src/train/train.ts';
import '../support/addon.ts';
import { photosOf, writePhotos } from '../support/files/photos.ts';
import { tar } from '../support/files/tar.ts';
import { temporaryFolder } from '../support/folder.ts';
import { loaded, tensorsOf, tinyModel } from '../support/training.ts';

const kinds = ['records', 'webDataset'] as const;
const transform = [{ kind: 'resize', size: [8, 8] }] as const;

/** A data set of sixteen images in one shard that was written long ago, and its shard. */
async function oneShard(kind: (typeof kinds)[number]): Promise<{ spec: DatasetSpecInput; shard: string }> {
  const folder = await temporaryFolder();
  const photos = await writePhotos(join(folder, 'photos'), photosOf(4, 4));
  const packed = { spec: { kind, path: folder }, shard: join(folder, shardName(0)) };
  if (kind === 'records') await pack({ kind: 'imageFolder', path: photos }, folder);
  const path = join(folder, 's.tar');
  if (kind === 'webDataset') {
    const members = [0, 1, 2, 3].flatMap((label) =>
      [0, 1, 2, 3].map(async (i) => [
        { name: `${label}${i}.jpg`, bytes: await readFile(join(photos, 'abcd'[label] ?? '', `${i}.jpg`)) },
        { name: `${label}${i}.cls`, bytes: String(label) },
      ]),
    );
    await writeFile(path, tar((await Promise.all(members)).flat()));
  }
  const { spec, shard } = kind === 'records' ? packed : { spec: { kind, path }, shard: path };
  await utimes(shard, 1e9, 1e9);
  return { spec: { ...spec, transform }, shard };
}

async function readAll(data: Dataset): Promise<number> {
  let count = 0;
  for await (const { labels } of batches(data, { batch: 4, workers: 1 })) count += labels.length;
  return count;
}

/** A copy with other bytes and the same size, renamed over the file. */
async function replace(shard: string): Promise<void> {
  const bytes = await readFile(shard);
  await writeFile(`${shard}.new`, bytes.reverse());
  await rename(`${shard}.new`, shard);
}

const changes: Readonly<Record<string, (shard: string) => Promise<unknown>>> = {
  'became shorter': async (shard) => truncate(shard, Math.floor((await readFile(shard)).length / 2)),
  'became empty': (shard) => truncate(shard, 0),
  'was written anew with as many bytes': async (shard) =>
    writeFile(shard, (await readFile(shard)).reverse(), { flag: 'r+' }),
  'was replaced by another of as many bytes': replace,
};

describe.each(kinds)('a shard of %s', (kind) => {
  describe.each(Object.keys(changes))('that %s', (how) => {
    it('since it was listed is told of by name, when it is read and when it is checked', async () => {
      const { spec, shard } = await oneShard(kind);
      await using data = await openDataset(spec);
      await changes[how]?.(shard);
      const named = { code: 'ERR_DATASET', message: expect.stringContaining(`\`${shard}\``) };
      await expect(readAll(data)).rejects.toMatchObject(named);
      await expect(checkImages(data)).rejects.toMatchObject(named);
    });

    it('while a training reads it ends the training with its weights saved', async () => {
      const { spec, shard } = await oneShard(kind);
      await copyFile(shard, `${shard}.sound`);
      await using data = await openDataset(spec);
      const model = await tinyModel();
      const run = join(await temporaryFolder(), 'a');
      const work = train(model, { train: data }, { steps: 1_000_000, batch: 8, workers: 1, run });
      const following = (async () => {
        for await (const event of work)
          if (event.type === 'step') await changes[how]?.(shard).catch(() => {});
      })();
      const checkpoint = join(run, 'checkpoint.safetensors');
      await expect(following).rejects.toMatchObject({
        code: 'ERR_DATASET',
        message: expect.stringContaining(`\`${shard}\``),
        hint: expect.stringContaining(checkpoint),
      });
      const { step } = (await readCheckpointInfo(checkpoint)).run ?? {};
      expect(step).toBeGreaterThan(0);
      expect(await tensorsOf(await loaded(checkpoint))).toEqual(await tensorsOf(model));
      await rename(`${shard}.sound`, shard);
      await using mended = await openDataset(spec);
      for await (const event of train(model, { train: mended }, { resume: run })) {
        if (event.type === 'resume') expect(event.step).toBe(step);
        if (event.type === 'step' && event.step > Number(step)) break;
      }
    });
  });

  it('to test on that became shorter ends a training with its weights saved', async () => {
    const [{ spec }, test] = [await oneShard(kind), await oneShard(kind)];
    await using data = await openDataset(spec);
    await using held = await openDataset(test.spec);
    await truncate(test.shard, 100);
    const run = join(await temporaryFolder(), 'a');
    const work = train(await tinyModel(), { train: data, test: held }, { epochs: 9, batch: 8, run });
    const checkpoint = join(run, 'checkpoint.safetensors');
    const hint = expect.stringContaining(checkpoint);
    await expect(Promise.resolve(work)).rejects.toMatchObject({ code: 'ERR_DATASET', hint });
    expect((await readCheckpointInfo(checkpoint)).run).toMatchObject({ step: 2 });
  });

  it('that was removed is read as long as it is open', async () => {
    const { spec, shard } = await oneShard(kind);
    await using data = await openDataset(spec);
    expect(await readAll(data)).toBe(16);
    await rm(shard);
    expect(await readAll(data)).toBe(16);
  });

  it('that is gone before it is read is told of', async () => {
    const { spec, shard } = await oneShard(kind);
    await using data = await openDataset(spec);
    await rm(shard);
    await expect(readAll(data)).rejects.toMatchObject({ code: 'ERR_DATASET' });
  });
});
