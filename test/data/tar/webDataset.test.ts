import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../../../src/data/open.ts';
import { indexShards } from '../../../src/data/tar/webDataset.ts';
import { codeOf } from '../../support/failures.ts';
import { member, pax, type TarEntry, tar } from '../../support/files/tar.ts';
import { temporaryFolder } from '../../support/folder.ts';

const sample = (key: string, label: number | string, ends = 'jpg'): TarEntry[] => [
  { name: `${key}.${ends}`, bytes: `image ${key}` },
  { name: `${key}.cls`, bytes: String(label) },
];

/** A sample whose image is no file. */
const linked = (type: string, link: string): TarEntry[] => [
  { name: 'b.jpg', type, link },
  { name: 'b.cls', bytes: '0' },
];

/** Writes shards 0.tar, 1.tar, …; the pattern of them all. */
async function shards(...all: readonly (readonly TarEntry[])[]): Promise<string> {
  const folder = await temporaryFolder();
  for (const [i, entries] of all.entries()) await writeFile(join(folder, `${i}.tar`), tar(entries));
  return join(folder, `{0..${all.length - 1}}.tar`);
}

/** What the table says is where an image is. */
async function imagesOf(pattern: string): Promise<string[]> {
  const { files, table, labels } = await indexShards(pattern);
  const read: string[] = [];
  for (let i = 0; i < labels.length; i++) {
    const [file = 0, offset = 0, length = 0, crc, rows] = table.subarray(5 * i, 5 * i + 5);
    expect([crc, rows]).toEqual([0, 0]);
    const bytes = await readFile(files[file]?.path ?? '');
    read.push(`${labels[i]} ${bytes.subarray(offset, offset + length)}`);
  }
  return read;
}

describe('shards of WebDataset', () => {
  it('give the images of all, in their order, with their labels', async () => {
    const pattern = await shards(
      [...sample('000', 2), ...sample('001', 0, 'jpeg')],
      [...sample('b', 1, 'PNG'), ...sample('a', '10\n')],
    );
    const { files, labels, names } = await indexShards(pattern);
    expect(files.map(({ path }) => basename(path))).toEqual(['0.tar', '1.tar']);
    expect([...labels]).toEqual([2, 0, 1, 10]);
    expect(names).toEqual(['000.jpg', '001.jpeg', 'b.PNG', 'a.jpg']);
    expect(await imagesOf(pattern)).toEqual(['2 image 000', '0 image 001', '1 image b', '10 image a']);
  });

  it.each<{ title: string; entries: readonly TarEntry[]; wanted: readonly string[] }>([
    {
      title: 'other files and the class first',
      entries: [
        { name: '0.json', bytes: '{}' },
        { name: '0.cls', bytes: '3' },
        { name: '0.jpg', bytes: 'a' },
      ],
      wanted: ['3 a'],
    },
    {
      title: 'folders in the keys, which may have dots',
      entries: [...sample('v1.0/n01/x', 1), ...sample('v1.0/n02/x', 2)],
      wanted: ['1 image v1.0/n01/x', '2 image v1.0/n02/x'],
    },
    {
      title: 'keys up to the first dot: x.seg.png belongs to x',
      entries: [
        { name: 'x.jpg', bytes: 'a' },
        { name: 'x.seg.png', bytes: 'mask' },
        { name: 'x.cls', bytes: '4' },
      ],
      wanted: ['4 a'],
    },
    {
      title: 'members that are folders between them',
      entries: [
        { name: 'a/', type: '5' },
        ...sample('a/x', 1),
        { name: 'b/', type: '5' },
        ...sample('b/x', 2),
      ],
      wanted: ['1 image a/x', '2 image b/x'],
    },
    {
      title: 'long names of pax',
      entries: [
        pax({ path: `${'k'.repeat(150)}.jpg` }),
        { name: 'short', bytes: 'a' },
        pax({ path: `${'k'.repeat(150)}.cls` }),
        { name: 'short', bytes: '5' },
      ],
      wanted: ['5 a'],
    },
    {
      title: 'hidden things between and inside of them',
      entries: [
        { name: './._0.jpg', bytes: 'AppleDouble' },
        ...sample('./0', 1),
        { name: '.ipynb_checkpoints/0.jpg', bytes: 'old' },
        { name: '@eaDir/0.jpg', bytes: 'thumbnail' },
        { name: '__MACOSX/._1.jpg', bytes: 'AppleDouble' },
        { name: '.DS_Store', bytes: 'x' },
        ...sample('1', 2),
      ],
      wanted: ['1 image ./0', '2 image 1'],
    },
    {
      title: 'links to files of the archive',
      entries: [
        ...sample('a/0', 1),
        { name: 'a/1.jpg', type: '1', link: 'a/0.jpg' },
        { name: 'a/1.cls', type: '2', link: '../b/2.cls' },
        { name: 'b/2.jpg', type: '2', link: '../a/./1.jpg' },
        { name: 'b/2.cls', bytes: '5' },
      ],
      wanted: ['1 image a/0', '5 image a/0', '5 image a/0'],
    },
    {
      title: 'special members that are not needed',
      entries: [
        { name: 'x.fifo', type: '6' },
        { name: 'x.txt', type: '2', link: '/etc/hosts' },
        ...sample('x', 3),
      ],
      wanted: ['3 image x'],
    },
    {
      title: 'names that are no UTF-8 and differ in such a letter only',
      entries: ['\xe9', '\xe8'].flatMap((key, i) =>
        sample(key, i).map((entry) => ({
          ...entry,
          encoding: 'latin1' as const,
          bytes: entry.name.endsWith('s') ? String(i) : `${i}`,
        })),
      ),
      wanted: ['0 0', '1 1'],
    },
    { title: 'one key in two shards', entries: sample('0', 1), wanted: ['1 image 0', '1 image 0'] },
  ])('may hold $title', async ({ title, entries, wanted }) => {
    const twice = title.includes('two shards') ? [entries, entries] : [entries];
    expect(await imagesOf(await shards(...twice))).toEqual(wanted);
  });

  it('of more members than are read at once are read whole', async () => {
    const many = Array.from({ length: 2100 }, (_, i) => sample(String(i), i % 7)).flat();
    const { labels } = await indexShards(await shards(many));
    expect([...labels]).toEqual(Array.from({ length: 2100 }, (_, i) => i % 7));
  });

  it.each<[string, readonly TarEntry[], string]>([
    ['no class', [...sample('a', 1), { name: 'b.jpg' }, ...sample('c', 1)], '"b" with .jpg and no .cls'],
    ['no class at the end', [...sample('a', 1), { name: 'b.jpg' }], '"b" with .jpg and no .cls'],
    ['no image', [{ name: 'b.cls', bytes: '1' }, { name: 'b.txt' }], '"b" with .cls, .txt and no image'],
    ['no image', sample('b', 1, 'seg.png'), '"b" with .seg.png, .cls and no image'],
    ['a class that is a word', sample('b', 'cat'), 'the class "cat"'],
    ['a class below zero', sample('b', -1), 'the class "-1"'],
    ['a class that is not whole', sample('b', 1.5), 'the class "1.5"'],
    ['an empty class', sample('b', ''), 'the class ""'],
    ['an absurd class', sample('b', '12345678901'), 'the class "12345678901"'],
    ['a link out of the archive', linked('2', '/etc/passwd'), '"b.jpg", a symbolic link to "/etc/passwd"'],
    ['a link to nothing', linked('1', 'none.jpg'), '"b.jpg", a hard link to "none.jpg"'],
    ['a link in a circle', linked('2', 'b.jpg'), '"b.jpg", a symbolic link to "b.jpg"'],
    ['a FIFO for an image', linked('6', ''), '"b.jpg", a FIFO'],
    ['a device for an image', linked('3', ''), '"b.jpg", a device'],
    ['a sparse file for an image', linked('S', ''), '"b.jpg", a sparse file'],
    ['hidden things only', [{ name: '._a.jpg' }, { name: '._a.cls' }], 'no sample'],
    ['no sample', [], 'no sample'],
    ['folders only', [{ name: 'a/', type: '5' }], 'no sample'],
  ])('are refused by name with %s', async (_, entries, received) => {
    const pattern = await shards(sample('a', 1), entries);
    const message = expect.stringMatching(/1\.tar/);
    await expect(indexShards(pattern)).rejects.toMatchObject({ code: 'ERR_DATASET', message });
    await expect(indexShards(pattern)).rejects.toThrow(received);
  });

  it('are refused when one is cut off, is empty, or is no archive', async () => {
    const pattern = await shards(sample('a', 1), sample('b', 1));
    const second = pattern.replace('{0..1}', '1');
    const whole = tar(sample('b', 1));
    for (const bytes of [
      whole.subarray(0, 515),
      whole.subarray(0, 1100),
      Buffer.alloc(0),
      Buffer.alloc(600, 1),
    ]) {
      await writeFile(second, bytes);
      const message = expect.stringContaining(second);
      await expect(indexShards(pattern)).rejects.toMatchObject({ code: 'ERR_DATASET', message });
    }
  });

  it.each<[string, readonly number[]]>([
    ['gzip', [0x1f, 0x8b, 8, 0]],
    ['bzip2', [0x42, 0x5a, 0x68, 0x39]],
    ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]],
    ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
    ['zip', [0x50, 0x4b, 3, 4]],
  ])('are refused when they are compressed by %s, which is told', async (name, start) => {
    const pattern = await shards(sample('a', 1));
    const path = pattern.replace('{0..0}', '0');
    await writeFile(path, Buffer.concat([Buffer.from(start), Buffer.alloc(2000)]));
    const message = expect.stringMatching(new RegExp(`${path}.*compressed by ${name}`));
    await expect(indexShards(path)).rejects.toMatchObject({ code: 'ERR_DATASET', message });
  });

  it.each([
    { name: 'a.tar.gz', unpacked: 'a.tar' },
    { name: 'a.tgz', unpacked: 'a.tar' },
    { name: 'a.tar', unpacked: 'a-unpacked.tar' },
    { name: "it's.gz", unpacked: "it's" },
  ])('are refused with a command that unpacks them, whatever they are called: $name', async (row) => {
    const folder = await temporaryFolder();
    const plain = tar(sample('a', 1));
    await writeFile(join(folder, row.name), gzipSync(plain));
    const { hint } = await indexShards(join(folder, row.name)).catch((error) => error);
    execFileSync('sh', ['-c', hint.slice('Unpack it first: '.length)]);
    expect(await readFile(join(folder, row.unpacked))).toEqual(plain);
  });

  it('with a hundred thousand members of one key are read, and told of in short', async () => {
    const many = Array.from({ length: 100_000 }, (_, i) => member({ name: `k.${i}` }));
    const folder = await temporaryFolder();
    const [sound, without] = [join(folder, 'a.tar'), join(folder, 'b.tar')];
    await writeFile(sound, Buffer.concat([...many, tar(sample('k', 2))]));
    expect([...(await indexShards(sound)).labels]).toEqual([2]);
    await writeFile(without, Buffer.concat(many));
    const error = await indexShards(without).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_DATASET', message: expect.stringContaining('and 99995 more') });
  });

  it('are refused when one is missing or a folder', async () => {
    const pattern = await shards(sample('a', 1));
    expect(await codeOf(indexShards(pattern.replace('{0..0}', '{0..1}')))).toBe('ERR_FILE');
    await mkdir(pattern.replace('{0..0}', '1'));
    expect(await codeOf(indexShards([pattern, pattern.replace('{0..0}', '1')]))).toBe('ERR_FILE');
  });
});

describe('a data set of shards', () => {
  it('has classes up to the highest label, or those that are named', async () => {
    const path = await shards([...sample('a', 0), ...sample('b', 3)]);
    await using data = await openDataset({ kind: 'webDataset', path });
    expect(data).toMatchObject({ name: path, count: 2, size: null, classNames: ['0', '1', '2', '3'] });
    const classNames = ['a', 'b', 'c', 'd', 'e'];
    await using named = await openDataset({ kind: 'webDataset', path: [path], classNames });
    expect(named.classNames).toEqual(classNames);
    const few = openDataset({ kind: 'webDataset', path, classNames: ['a', 'b', 'c'] });
    await expect(few).rejects.toMatchObject({ code: 'ERR_DATASET' });
  });

  it('may have classes far apart, but none far beyond its images', async () => {
    const open = async (label: number): Promise<number> => {
      await using data = await openDataset({ kind: 'webDataset', path: await shards(sample('a', label)) });
      return data.classNames.length;
    };
    expect(await open(21_842)).toBe(21_843);
    expect(await open(65_535)).toBe(65_536);
    for (const label of [65_536, 999_999_999])
      await expect(open(label)).rejects.toMatchObject({
        code: 'ERR_DATASET',
        message: expect.stringContaining(String(label)),
      });
  });

  it('has no part to test on but what is held out', async () => {
    const path = await shards([0, 1, 2, 3].flatMap((i) => sample(String(i), 0)));
    const test = { kind: 'webDataset', path, split: 'test' } as const;
    expect(await codeOf(openDataset(test))).toBe('ERR_CONFIG');
    await using data = await openDataset({ ...test, holdOut: { fraction: 0.25 } });
    expect(data.count).toBe(1);
  });
});
