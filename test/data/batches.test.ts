/** Batches: what is in them, whoever makes them. */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type BatchesOptions, batches, type ImageBatch } from '../../src/data/batches.ts';
import { imageSet } from '../../src/data/imageSet.ts';
import { openDataset } from '../../src/data/open.ts';
import type { Dataset } from '../../src/loading/dataset.ts';
import type { Images } from '../../src/loading/images.ts';
import type { BadImage } from '../../src/native/binding.ts';
import { native } from '../../src/native/load.ts';
import { preprocessingOf } from '../../src/transforms/preprocessing.ts';
import type { TransformInput } from '../../src/transforms/transforms.ts';
import { transformSchema } from '../../src/transforms/transforms.ts';
import '../support/addon.ts';
import { codeOf } from '../support/failures.ts';
import { noiseJpeg, writeFiles, writeImageFolder } from '../support/files/images.ts';
import { temporaryFolder } from '../support/folder.ts';
import { noiseBytes } from '../support/noise.ts';

/** 23 images of 6 x 5 whose label is their number. */
const count = 23;
const set = imageSet({
  images: noiseBytes(30 * count),
  labels: Array.from({ length: count }, (_, i) => i),
  height: 6,
  width: 5,
  channels: 1,
});
/** Draws much, and keeps the size. */
const drawn: TransformInput = [{ kind: 'randomResizedCrop', size: [6, 5] }, { kind: 'horizontalFlip' }];

async function passOver(images: Images, options: BatchesOptions = {}): Promise<ImageBatch[]> {
  const found: ImageBatch[] = [];
  for await (const batch of batches(images, options)) found.push(batch);
  return found;
}

const indices = (pass: readonly ImageBatch[]): number[] => pass.flatMap((batch) => [...batch.indices]);
const bare = (pass: readonly ImageBatch[]) => pass.map(({ bad: _, ...batch }) => batch);

async function opened(path: string, transform?: TransformInput): Promise<Dataset> {
  const data = await openDataset({ kind: 'imageFolder', path, transform });
  onTestFinished(() => data.close());
  return data;
}

describe('a pass in order', () => {
  it.each([1, 5, 23, 64])('gives every image once with its pixels and label, %d at a time', async (batch) => {
    const pass = await passOver(set, { batch });
    expect(indices(pass)).toEqual([...set.labels]);
    expect(pass.flatMap(({ labels }) => [...labels])).toEqual([...set.labels]);
    expect(Buffer.concat(pass.map(({ pixels }) => pixels)).equals(set.images)).toBe(true);
  });
});

describe('a pass of training', () => {
  const order = async (options: BatchesOptions): Promise<number[]> =>
    indices(await passOver(set, { batch: 5, training: true, ...options }));

  it('is a random order without its tail, another in every epoch and with every seed', async () => {
    const first = await order({});
    expect(new Set(first).size).toBe(20);
    expect(await order({})).toEqual(first);
    for (const other of [{ epoch: 1 }, { seed: 1 }]) expect(await order(other)).not.toEqual(first);
  });

  it('takes every image equally often over the epochs', async () => {
    const times = new Map<number, number>();
    for (let epoch = 0; epoch < 60; epoch++)
      for (const i of await order({ epoch })) times.set(i, (times.get(i) ?? 0) + 1);
    // Of 60 epochs an image is dropped in 60 · 3/23 = 7.8 of them, deviation 2.6.
    for (const n of times.values()) expect(Math.abs(n - (60 * 20) / 23)).toBeLessThan(5 * 2.6);
  });

  it('draws anew for an image in every epoch, and the same for it wherever it stands', async () => {
    const data = { ...set };
    const pixelsOf = async (options: BatchesOptions): Promise<Map<number, string>> => {
      const found = new Map<number, string>();
      const augmented = await augmentedSet(data);
      for (const { pixels, indices: own } of await passOver(augmented, { training: true, ...options }))
        own.forEach((i, place) => {
          found.set(i, Buffer.from(pixels.subarray(30 * place, 30 * (place + 1))).toString('hex'));
        });
      return found;
    };
    const [narrow, wide, later] = await Promise.all([
      pixelsOf({ batch: 5 }),
      pixelsOf({ batch: 11 }),
      pixelsOf({ batch: 5, epoch: 1 }),
    ]);
    const both = [...narrow.keys()].filter((i) => wide.has(i));
    expect(both.length).toBeGreaterThan(15);
    for (const i of both) expect(wide.get(i)).toBe(narrow.get(i));
    const changed = [...narrow.keys()].filter((i) => later.has(i) && later.get(i) !== narrow.get(i));
    expect(changed.length).toBeGreaterThan(12);
  });
});

/** The set with a transform that draws. */
async function augmentedSet(images: typeof set): Promise<Dataset> {
  const { datasetOf } = await import('../../src/loading/images.ts');
  return datasetOf(images).with(transformSchema.parse(drawn));
}

describe.each([
  { workers: 0 },
  { workers: 1 },
  { workers: 1, prefetch: 7 },
  { workers: 3, prefetch: 1 },
  { workers: 8 },
])('batches made with %o', (making) => {
  it('are those of any other way, wherever the pass begins', async () => {
    const data = await augmentedSet(set);
    const options = { batch: 4, training: true, epoch: 2, seed: 9 };
    const wanted = bare(await passOver(data, { ...options, workers: 0 }));
    expect(wanted).toHaveLength(5);
    expect(bare(await passOver(data, { ...options, ...making }))).toEqual(wanted);
    expect(bare(await passOver(data, { ...options, ...making, start: 3 }))).toEqual(wanted.slice(3));
  });
});

describe('parts of a world', () => {
  it.each([1, 2, 3, 4])('of %d share every step of a training, and do equally many', async (worldSize) => {
    const parts = await Promise.all(
      Array.from({ length: worldSize }, (_, rank) =>
        passOver(set, { batch: 2, training: true, rank, worldSize }),
      ),
    );
    const whole = await passOver(set, { batch: 2 * worldSize, training: true });
    expect(parts.map((part) => part.length)).toEqual(parts.map(() => whole.length));
    // In turn, and back again in the second half: the reverse of a part is the part of the reverse.
    const turn = Array.from({ length: worldSize }, (_, rank) => rank);
    const owners = [...turn, ...turn.toReversed()];
    whole.forEach((batch, step) => {
      const of = (rank: number): number[] =>
        [...batch.indices].filter((_, place) => owners[place] === rank).map(Number);
      expect(parts.map((part) => [...(part[step]?.indices ?? [])])).toEqual(turn.map(of));
    });
  });

  it.each([1, 2, 3, 7, 30])('of %d count every image of an evaluation exactly once', async (worldSize) => {
    const parts = await Promise.all(
      Array.from({ length: worldSize }, (_, rank) => passOver(set, { batch: 4, rank, worldSize })),
    );
    expect(parts.flatMap(indices).toSorted((a, b) => a - b)).toEqual([...set.labels]);
  });
});

describe('a world that takes more images in a step than there are', () => {
  it.each([0, 2])('is refused with %d workers', async (workers) => {
    const options = { batch: 8, training: true, rank: 1, worldSize: 3, workers };
    expect(await codeOf(passOver(set, options))).toBe('ERR_DATASET');
  });
});

describe('image files', () => {
  it('get the pixels and classes of their folders, at the size that is asked for', async () => {
    const data = await opened(await writeImageFolder(await temporaryFolder(), 3, 4));
    const [batch] = await passOver(data, { batch: 12, imageSize: 8 });
    expect([batch?.height, batch?.width, batch?.channels]).toEqual([8, 8, 3]);
    expect([...(batch?.labels ?? [])]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    batch?.pixels.forEach((pixel, place) => {
      expect(Math.abs(pixel - 10 * Math.floor(place / 192))).toBeLessThan(3);
    });
  });

  it('become gray where one channel is asked for', async () => {
    const data = await opened(await writeImageFolder(await temporaryFolder(), 1, 2));
    const [batch] = await passOver(data, { batch: 2, imageSize: 4, channels: 1 });
    expect(batch?.pixels).toHaveLength(32);
  });

  it('are refused when their transform leaves sizes that differ', async () => {
    const data = await opened(await writeImageFolder(await temporaryFolder(), 1, 2), [
      { kind: 'horizontalFlip' },
    ]);
    expect(await codeOf(passOver(data))).toBe('ERR_CONFIG');
  });
});

/** A folder of 12 images, of which three are bad. */
async function damaged(): Promise<{ path: string; bad: string[] }> {
  const path = await writeImageFolder(await temporaryFolder(), 3, 4);
  const whole = await noiseJpeg();
  const cut = whole.subarray(0, whole.length / 2);
  const bad = { 'c0/01.jpg': new Uint8Array(), 'c1/05.jpg': cut, 'c2/10.jpg': Buffer.from('not an image') };
  await writeFiles(path, bad);
  return { path, bad: Object.keys(bad).map((name) => join(path, name)) };
}

const named = (found: readonly BadImage[]): string[] => found.map(({ name }) => name).toSorted();

describe('a bad image', () => {
  it('is replaced in training by one drawn for it, with the label of that one, and told of once', async () => {
    const { path, bad } = await damaged();
    const data = await opened(path);
    const options = { batch: 12, training: true, imageSize: 8 };
    const pass = await passOver(data, options);
    expect(pass.map(({ labels }) => labels.length)).toEqual([12]);
    const chosen = indices(pass);
    for (const [i, index] of chosen.entries()) {
      expect([1, 5, 10]).not.toContain(index);
      expect(pass[0]?.labels[i]).toBe(data.labels?.[index]);
    }
    expect(named(pass.flatMap((batch) => batch.bad))).toEqual(bad.toSorted());
    expect(bare(await passOver(data, { ...options, workers: 3 }))).toEqual(bare(pass));
  });

  it('is told of once, however many epochs meet it', async () => {
    const { path, bad } = await damaged();
    const data = await opened(path);
    const { loaderSpec } = await import('../../src/loading/loaderSpec.ts');
    const normalisation = { mean: [0, 0, 0], std: [1, 1, 1] };
    const input = { channels: 3, height: 8, width: 8, ...normalisation, ...preprocessingOf(8) };
    const making = { workers: 0, prefetch: 1, onBadImage: 'replace', badImageLimit: 3 } as const;
    const pass = { batch: 4, seed: 0, training: true, device: 'cpu', ...making };
    const loader = new (native().Loader)(data.source, loaderSpec(data, input, pass));
    const told: BadImage[] = [];
    for (let step = 0; step < 12; step++) told.push(...(await loader.at(step)).bad);
    expect(named(told)).toEqual(bad.toSorted());
    loader.close();
  });

  it('is left out of an evaluation', async () => {
    const { path, bad } = await damaged();
    const pass = await passOver(await opened(path), { batch: 4, imageSize: 8 });
    expect(indices(pass)).toEqual([0, 2, 3, 4, 6, 7, 8, 9, 11]);
    expect(named(pass.flatMap((batch) => batch.bad))).toEqual(bad.toSorted());
  });

  it('ends the pass where it is to be thrown', async () => {
    const { path } = await damaged();
    const data = await opened(path);
    for (const workers of [0, 2])
      expect(await codeOf(passOver(data, { onBadImage: 'throw', workers, imageSize: 8 }))).toBe('ERR_IMAGE');
  });

  it('ends the pass when there are more than are tolerated', async () => {
    const { path } = await damaged();
    const data = await opened(path);
    for (const workers of [0, 2])
      expect(await codeOf(passOver(data, { badImageLimit: 2, workers, imageSize: 8 }))).toBe('ERR_DATASET');
    expect(indices(await passOver(data, { badImageLimit: 3, imageSize: 8 }))).toHaveLength(9);
  });

  it('has nothing to be replaced by where all are bad', async () => {
    const path = await writeFiles(await temporaryFolder(), {
      'a/1.jpg': new Uint8Array(1),
      'a/2.jpg': new Uint8Array(1),
    });
    const data = await opened(path);
    expect(await codeOf(passOver(data, { batch: 2, training: true }))).toBe('ERR_DATASET');
    expect(await passOver(data)).toEqual([]);
  });
});

describe('a pass that is left', () => {
  it('ends its threads at once, with batches half made', async () => {
    const data = await opened(await writeImageFolder(await temporaryFolder(), 3, 8));
    const start = performance.now();
    for (let i = 0; i < 20; i++) {
      for await (const _ of batches(data, { batch: 2, workers: 4, prefetch: 8, imageSize: 64 })) break;
    }
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});

describe('the memory of a loader', () => {
  it('does not grow with the batches', async () => {
    const data = await augmentedSet(set);
    const live: number[] = [];
    for await (const _ of batches(data, { batch: 1, workers: 2 })) live.push(native().memory(false).live);
    expect(new Set(live).size).toBe(1);
  });
});

const wrong: readonly [title: string, options: BatchesOptions][] = [
  ['a batch of none', { batch: 0 }],
  ['a rank that is not in the world', { rank: 2, worldSize: 2 }],
  ['a negative epoch', { epoch: -1 }],
  ['two channels', { channels: 2 as 3 }],
  ['too many workers', { workers: 5000 }],
];
describe.each(wrong)('%s', (_, options) => {
  it('is refused', async () => {
    expect(await codeOf(passOver(set, options))).toBe('ERR_CONFIG');
  });
});
