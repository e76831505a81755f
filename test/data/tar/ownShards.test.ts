/** Shards that ranks split: each opens its own, and all take as many images. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { batches } from '../../../src/data/batches.ts';
import { openDataset } from '../../../src/data/open.ts';
import type { Sharers } from '../../../src/data/tar/ownShards.ts';
import type { Dataset } from '../../../src/loading/dataset.ts';
import { must } from '../../../src/must.ts';
import { Ranks } from '../../../src/ranks/ranks.ts';
import { marksOf } from '../../../src/run/runState.ts';
import type { TransformInput } from '../../../src/transforms/transforms.ts';
import { codeOf } from '../../support/failures.ts';
import { type TarEntry, tar } from '../../support/files/tar.ts';
import { temporaryFolder } from '../../support/folder.ts';

/** A row of gray pixels that grows from left to right, so that a mirrored one differs. */
const ramp = (first: number): Promise<Buffer> =>
  sharp(
    Uint8Array.from({ length: 8 }, (_, i) => first + 16 * i),
    { raw: { width: 8, height: 1, channels: 1 } },
  )
    .toColourspace('b-w')
    .png()
    .toBuffer();

/** Shards 0.tar, 1.tar, … with images of these labels; the pattern of them all. */
async function shards(...all: readonly (readonly number[])[]): Promise<string> {
  const folder = await temporaryFolder();
  for (const [i, labels] of all.entries()) {
    const entries: TarEntry[] = [];
    for (const [j, label] of labels.entries())
      entries.push(
        { name: `${j}.png`, bytes: await ramp(label) },
        { name: `${j}.cls`, bytes: String(label) },
      );
    await writeFile(join(folder, `${i}.tar`), tar(entries));
  }
  return join(folder, `{0..${all.length - 1}}.tar`);
}

/** Ranks within this process, which tell each other all. */
function sharersOf(worldSize: number): Sharers[] {
  const said: unknown[] = [];
  let tell: ((all: unknown[]) => void) | undefined;
  const all = new Promise<unknown[]>((resolve) => {
    tell = resolve;
  });
  return Array.from({ length: worldSize }, (_, rank) => ({
    rank,
    worldSize,
    share: <T>(items: readonly T[], what?: string): T[] =>
      Ranks.prototype.share.call({ place: { rank, worldSize } } as Ranks, [...items], what) as T[],
    gather: async <T>(value: T): Promise<T[]> => {
      said[rank] = value;
      if (said.filter((one) => one !== undefined).length === worldSize) tell?.(said);
      return (await all) as T[];
    },
  }));
}

async function opened(path: string, worldSize: number, transform: TransformInput = []): Promise<Dataset[]> {
  const spec = { kind: 'webDataset', path, splitShards: true, transform } as const;
  const sets = await Promise.all(sharersOf(worldSize).map((ranks) => openDataset(spec, { ranks })));
  onTestFinished(async () => void (await Promise.all(sets.map((set) => set.close()))));
  return sets;
}

describe('shards that ranks split', () => {
  it('are every so-many-th of the list, with the classes of all', async () => {
    const sets = await opened(await shards([0, 1], [2, 3], [4, 5], [6, 7]), 2);
    expect(sets.map(({ labels }) => [...must(labels)])).toEqual([
      [0, 1, 4, 5],
      [2, 3, 6, 7],
    ]);
    expect(sets.map(({ classNames }) => classNames.length)).toEqual([8, 8]);
    const [first, second] = sets.map((train) => marksOf({ train, test: undefined }));
    expect(second).toEqual(first);
  });

  it('give all ranks as many images as the smallest part has, and say what is left out', async () => {
    const sets = await opened(await shards([0, 1, 2], [3, 4]), 2);
    expect(sets.map(({ count }) => count)).toEqual([2, 2]);
    expect(sets.map(({ notes }) => notes.length)).toEqual([1, 0]);
    expect(sets[0]?.notes[0]).toContain('leaves 1 of its 3 images out');
  });

  it('have draws of their own, each image those of no other', async () => {
    const labels = Array.from({ length: 32 }, (_, i) => i);
    const sets = await opened(await shards(labels, labels), 2, [
      { kind: 'centerCrop', size: [1, 8] },
      { kind: 'horizontalFlip', p: 0.5 },
    ]);
    const seen = await Promise.all(
      sets.map(async (set, rank) => {
        const mirrored: boolean[] = [];
        const options = { batch: 8, training: true, rank, worldSize: 2, channels: 1 } as const;
        for await (const { pixels, labels } of batches(set, options))
          for (const [i, label] of labels.entries())
            mirrored[label] = must(pixels[8 * i]) > must(pixels[8 * i + 7]);
        return mirrored;
      }),
    );
    expect(seen.map((one) => one.filter((mirror) => mirror !== undefined).length)).toEqual([32, 32]);
    expect(seen[0]).not.toEqual(seen[1]);
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ['more ranks than shards', async () => opened(await shards([0], [1]), 3), 'ERR_CONFIG'],
    [
      'an evaluation',
      async () => {
        const [set] = await opened(await shards([0], [1]), 2);
        for await (const _ of batches(must(set), { rank: 0, worldSize: 2 }));
      },
      'ERR_CONFIG',
    ],
    [
      'another number of ranks',
      async () => {
        const [set] = await opened(await shards([0], [1]), 2);
        for await (const _ of batches(must(set), { training: true, batch: 1 }));
      },
      'ERR_CONFIG',
    ],
    [
      'a part to hold out',
      async () => {
        const spec = {
          kind: 'webDataset',
          path: await shards([0]),
          splitShards: true,
          holdOut: { fraction: 0.5 },
        } as const;
        await openDataset(spec, { ranks: must(sharersOf(1)[0]) });
      },
      'ERR_CONFIG',
    ],
  ])('refuse %s', async (_, work, code) => {
    expect(await codeOf(work())).toBe(code);
  });

  it('say of how many ranks there can be', async () => {
    await expect(opened(await shards([0], [1]), 3)).rejects.toMatchObject({
      message: 'Expected at least 3 shards, one for each rank, but received 2',
      hint: expect.stringContaining('at most 2 ranks'),
    });
  });

  it('tell all ranks of the one whose shards cannot be read', async () => {
    const pattern = await shards([0], [1]);
    await writeFile(pattern.replace('{0..1}', '1'), 'no tar');
    const spec = { kind: 'webDataset', path: pattern, splitShards: true } as const;
    const ends = await Promise.all(sharersOf(2).map((ranks) => codeOf(openDataset(spec, { ranks }))));
    expect(ends).toEqual(['ERR_RANKS', 'ERR_DATASET']);
  });

  it('are all of one process', async () => {
    const spec = { kind: 'webDataset', path: await shards([0], [1]), splitShards: true } as const;
    await using set = await openDataset(spec, { ranks: null });
    expect([set.count, set.part]).toEqual([2, null]);
  });
});
