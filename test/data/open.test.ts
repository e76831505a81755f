import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { batches } from '../../src/data/batches.ts';
import { findData, openDataset, openSome } from '../../src/data/open.ts';
import { type DatasetSpecInput, parseDataset } from '../../src/data/spec.ts';
import '../support/addon.ts';
import { codeOf } from '../support/failures.ts';
import { writeDigits } from '../support/files/idx.ts';
import { photosOf, writePhotos } from '../support/files/photos.ts';
import { tar } from '../support/files/tar.ts';
import { temporaryFolder } from '../support/folder.ts';

/** One data set of each kind: twenty digits, or ten images of two classes. */
const kinds = ['mnist', 'imageFolder', 'webDataset'] as const;
async function specOf(kind: (typeof kinds)[number]): Promise<DatasetSpecInput> {
  const path = await temporaryFolder();
  if (kind === 'mnist') return { kind, path: await writeDigits(path, { train: 20, test: 4 }) };
  if (kind === 'imageFolder') return { kind, path: await writePhotos(path, photosOf(2, 5)) };
  const members = Array.from({ length: 10 }, (_, i) => [
    { name: `${i}.jpg`, bytes: `image ${i}` },
    { name: `${i}.cls`, bytes: String(i % 2) },
  ]);
  await writeFile(join(path, 's.tar'), tar(members.flat()));
  return { kind, path: join(path, 's.tar') };
}

describe.each(kinds)('a data set of kind %s', (kind) => {
  it('knows its images before one is decoded', async () => {
    const spec = await specOf(kind);
    await using data = await openDataset(spec);
    expect(data.count).toBe(kind === 'mnist' ? 20 : 10);
    expect(data.classNames).toHaveLength(kind === 'mnist' ? 10 : 2);
    expect(data.size).toEqual(kind === 'mnist' ? { height: 28, width: 28, channels: 1 } : null);
    expect(data.transform).toBeUndefined();
  });

  it('is opened as the command line names it too, and from the home folder', async () => {
    const { path } = await specOf(kind);
    vi.stubEnv('HOME', dirname(String(path)));
    await using data = await openDataset(`${kind}:~/${basename(String(path))}`);
    expect(data.count).toBe(kind === 'mnist' ? 20 : 10);
    vi.unstubAllEnvs();
  });

  it('is halved by holdOut: labels, names and images go together', async () => {
    const spec = await specOf(kind);
    const whole = await findData(parseDataset(JSON.stringify(spec)));
    const half = { ...spec, holdOut: { fraction: 0.5 } };
    const rows = (data: typeof whole): string[] =>
      Array.from(data.labels, (label, i) => {
        const { source } = data;
        const own =
          source.kind === 'files'
            ? source.names.split('\0')[i]
            : source.kind === 'ranges'
              ? String(source.table.subarray(5 * i, 5 * i + 5))
              : Buffer.from(source.images.subarray(784 * i, 784 * (i + 1))).toString('hex');
        return `${label} ${source.labels[i]} ${data.names?.[i]} ${own}`;
      });
    const parts: string[] = [];
    for (const split of ['train', 'test'] as const) {
      const part = await findData(parseDataset(JSON.stringify({ ...half, split })));
      await using data = await openDataset({ ...half, split });
      expect([...(data.labels ?? [])]).toEqual([...part.labels]);
      parts.push(...rows(part));
    }
    expect(parts.toSorted()).toEqual(rows(whole).toSorted());
  });

  it('gives some of its images in an order that is chosen', async () => {
    await using data = await openSome(await specOf(kind), {
      choose: (labels) => Int32Array.of(labels.length - 1, 0),
    });
    expect([...(data.labels ?? [])]).toEqual([kind === 'mnist' ? 9 : 1, 0]);
  });
});

describe('openDataset', () => {
  it('keeps the transform, its defaults filled in', async () => {
    const spec = await specOf('imageFolder');
    await using data = await openDataset({ ...spec, transform: [{ kind: 'horizontalFlip' }] });
    expect(data.transform).toMatchObject([{ kind: 'horizontalFlip', p: 0.5 }]);
  });

  it('gives held-out images their own pixels', async () => {
    const path = await temporaryFolder();
    await writePhotos(path, photosOf(1, 4));
    await writeFile(join(path, 'list.txt'), 'a/2.jpg\n');
    const spec = { kind: 'imageFolder', path, transform: [{ kind: 'centerCrop', size: 20 }] } as const;
    const pixelsOf = async (some: DatasetSpecInput): Promise<string[]> => {
      await using data = await openDataset(some);
      const all: string[] = [];
      for await (const { pixels } of batches(data, { batch: 1, workers: 1 }))
        all.push(Buffer.from(pixels).toString('hex'));
      return all;
    };
    const all = await pixelsOf(spec);
    const holdOut = { file: join(path, 'list.txt') };
    expect(await pixelsOf({ ...spec, holdOut, split: 'test' })).toEqual([all[2]]);
    expect(await pixelsOf({ ...spec, holdOut })).toEqual([all[0], all[1], all[3]]);
  });

  it('refuses a specification that is wrong before it looks for files', async () => {
    const wrong = [
      { kind: 'imageFoler', path: 'x' },
      { kind: 'mnist' },
      'mnits:x',
      null,
      { kind: 'records', path: 'x', split: 'val' },
    ];
    for (const spec of wrong) expect(await codeOf(openDataset(spec as DatasetSpecInput))).toBe('ERR_CONFIG');
  });
});
