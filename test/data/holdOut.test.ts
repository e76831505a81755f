import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { heldOut, type NamedLabels } from '../../src/data/holdOut.ts';
import type { HoldOut } from '../../src/data/spec.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';

/** 40 images of class 0, 10 of class 1, 3 of class 2, mixed. */
const counts = [40, 10, 3];
const mixed = Int32Array.from({ length: 53 }, (_, i) => {
  const place = (7 * i) % 53;
  return place < 40 ? 0 : place < 50 ? 1 : 2;
});
const set: NamedLabels = { name: 'some', labels: mixed, names: null };

async function parts(from: NamedLabels, holdOut: HoldOut): Promise<{ train: number[]; test: number[] }> {
  return {
    train: [...(await heldOut(from, holdOut, 'train'))],
    test: [...(await heldOut(from, holdOut, 'test'))],
  };
}

const count = (part: readonly number[]): number[] =>
  counts.map((_, c) => part.filter((i) => mixed[i] === c).length);

describe('images held out by fraction', () => {
  it.each([
    { fraction: 0.1, wanted: [4, 1, 0] },
    { fraction: 0.2, wanted: [8, 2, 1] },
    { fraction: 0.5, wanted: [20, 5, 2] },
    { fraction: 0.9, wanted: [36, 9, 3] },
  ])('are $wanted of 40, 10 and 3 at $fraction: a part of every class', async ({ fraction, wanted }) => {
    const { train, test } = await parts(set, { fraction, seed: 0 });
    expect(count(test)).toEqual(wanted);
    expect(count(train)).toEqual(counts.map((n, c) => n - (wanted[c] ?? 0)));
  });

  it('make two parts that are disjoint, complete and ascending', async () => {
    const { train, test } = await parts(set, { fraction: 0.3, seed: 5 });
    const ascending = (part: readonly number[]): number[] => part.toSorted((a, b) => a - b);
    expect([train, test]).toEqual([ascending(train), ascending(test)]);
    expect(ascending([...train, ...test])).toEqual([...mixed.keys()]);
  });

  it('follow from the seed, and grow with the fraction', async () => {
    const at = async (fraction: number, seed: number): Promise<number[]> =>
      (await parts(set, { fraction, seed })).test;
    expect(await at(0.3, 1)).toEqual(await at(0.3, 1));
    expect(await at(0.3, 1)).not.toEqual(await at(0.3, 2));
    const more = await at(0.5, 1);
    expect((await at(0.3, 1)).filter((i) => !more.includes(i))).toEqual([]);
  });

  it('of a seed are these for ever: of the smallest SHA-256 of "seed:number"', async () => {
    // python3 -c "import hashlib; print(sorted(sorted(range(10), key=lambda i:
    // hashlib.sha256(f'3:{i}'.encode()).hexdigest())[:4]))"
    const ten = { name: 'ten', labels: new Int32Array(10), names: null };
    expect((await parts(ten, { fraction: 0.4, seed: 3 })).test).toEqual([1, 4, 5, 8]);
  });

  it('are refused when a part is left empty', async () => {
    const two = { name: 'two', labels: new Int32Array(2), names: null };
    for (const [fraction, split] of [
      [0.1, 'test'],
      [0.9, 'train'],
    ] as const) {
      const drawn = heldOut(two, { fraction, seed: 0 }, split);
      await expect(drawn).rejects.toMatchObject({
        code: 'ERR_DATASET',
        message: expect.stringContaining(split),
      });
    }
  });
});

describe('images held out by a file', () => {
  const named: NamedLabels = {
    name: 'photos',
    labels: new Int32Array([0, 0, 1, 1]),
    names: ['a/1.jpg', 'a/2 x.jpg', 'b/1.jpg', 'b/2.jpg'],
  };
  const list = async (text: string): Promise<HoldOut> => {
    const file = join(await temporaryFolder(), 'list.txt');
    await writeFile(file, text);
    return { file };
  };

  it.each([
    { text: 'b/1.jpg\na/2 x.jpg\n', test: [1, 2] },
    { text: 'b/2.jpg', test: [3] },
    { text: '\r\n a/1.jpg \r\n\r\na/1.jpg\r\n', test: [0] },
  ])('are those it names: $text', async ({ text, test }) => {
    const train = [0, 1, 2, 3].filter((i) => !test.includes(i));
    expect(await parts(named, await list(text))).toEqual({ train, test });
  });

  it('are numbers where images have no names', async () => {
    const numbered = { ...named, names: null };
    expect(await parts(numbered, await list('3\n0\n'))).toEqual({ train: [1, 2], test: [0, 3] });
    expect(await codeOf(heldOut(numbered, await list('4'), 'test'))).toBe('ERR_DATASET');
  });

  it('are refused by line when there is no such image', async () => {
    const holdOut = await list('a/1.jpg\n\nb/3.jpg\n');
    const message = expect.stringMatching(/list\.txt:3.*"b\/3\.jpg"/);
    await expect(heldOut(named, holdOut, 'train')).rejects.toMatchObject({ code: 'ERR_DATASET', message });
  });

  it('are refused when a part is left empty, and when the file is missing', async () => {
    expect(await codeOf(heldOut(named, await list(''), 'test'))).toBe('ERR_DATASET');
    expect(await codeOf(heldOut(named, await list(named.names?.join('\n') ?? ''), 'train'))).toBe(
      'ERR_DATASET',
    );
    expect(await codeOf(heldOut(named, { file: join(await temporaryFolder(), 'none') }, 'test'))).toBe(
      'ERR_FILE',
    );
  });
});
