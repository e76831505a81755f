import { describe, expect, it } from 'vitest';
import { type TarBytes, type TarMember, tarEntries, tarMembers } from '../../../src/data/tar/tar.ts';
import { thrown } from '../../support/errors.ts';
import { base256, longName, member, pax, type TarEntry, tar } from '../../support/files/tar.ts';

const archiveOf = (bytes: Uint8Array, size = bytes.length): TarBytes => ({
  path: 'some.tar',
  size,
  read: (position, length) => bytes.subarray(position, position + length),
});

const list = (bytes: Uint8Array): TarMember[] => [...tarMembers(archiveOf(bytes))];

/** Name and contents of every member. */
const contents = (bytes: Uint8Array): [string, string][] =>
  list(bytes).map(({ name, offset, size }) => [
    name,
    Buffer.from(bytes.subarray(offset, offset + size)).toString(),
  ]);

const long = `${'folder/'.repeat(30)}file.jpg`;
const hundred = 'n'.repeat(100);

describe('the members of a tar archive', () => {
  it.each<{ title: string; entries: readonly TarEntry[]; wanted: readonly [string, string][] }>([
    { title: 'of none', entries: [], wanted: [] },
    {
      title: 'in their order, empty ones and whole blocks too',
      entries: [
        { name: 'b', bytes: 'two' },
        { name: 'a', bytes: '' },
        { name: 'c', bytes: 'x'.repeat(512) },
        { name: 'd', bytes: 'last' },
      ],
      wanted: [
        ['b', 'two'],
        ['a', ''],
        ['c', 'x'.repeat(512)],
        ['d', 'last'],
      ],
    },
    {
      title: 'with a name that fills its field',
      entries: [{ name: hundred, bytes: 'x' }],
      wanted: [[hundred, 'x']],
    },
    {
      title: 'with a name in UTF-8',
      entries: [{ name: 'Bär/ü.jpg', bytes: 'x' }],
      wanted: [['Bär/ü.jpg', 'x']],
    },
    {
      title: 'with a prefix (ustar)',
      entries: [{ name: 'file', prefix: 'some/folder', bytes: 'x' }],
      wanted: [['some/folder/file', 'x']],
    },
    {
      title: 'without magic: what stands in the place of the prefix is none (v7)',
      entries: [{ name: 'file', prefix: 'garbage', type: '\0', magic: '\0\0\0\0\0\0', bytes: 'x' }],
      wanted: [['file', 'x']],
    },
    {
      title: 'of contiguous files (type 7)',
      entries: [{ name: 'file', type: '7', bytes: 'x' }],
      wanted: [['file', 'x']],
    },
    {
      title: 'with the path of a pax header, which counts for one member only',
      entries: [
        pax({ mtime: '1.5', path: long }),
        { name: 'short', bytes: 'x' },
        { name: 'next', bytes: 'y' },
      ],
      wanted: [
        [long, 'x'],
        ['next', 'y'],
      ],
    },
    {
      title: 'with the size of a pax header',
      entries: [
        pax({ size: '5' }),
        { name: 'file', bytes: 'hello', size: Buffer.from('00000000000\0') },
        { name: 'next', bytes: 'y' },
      ],
      wanted: [
        ['file', 'hello'],
        ['next', 'y'],
      ],
    },
    {
      title: 'with fields of both pax and GNU headers',
      entries: [longName(long), pax({ size: '2' }), { name: 'short', bytes: 'xy' }],
      wanted: [[long, 'xy']],
    },
    {
      title: 'behind a global pax header',
      entries: [pax({ comment: 'abc' }, 'g'), { name: 'file', bytes: 'x' }],
      wanted: [['file', 'x']],
    },
    {
      title: 'with a long name of GNU, and a long link passed over',
      entries: [longName('target', 'K'), longName(long), { name: 'short', bytes: 'x', magic: 'ustar ' }],
      wanted: [[long, 'x']],
    },
    {
      title: 'with a size in base 256',
      entries: [
        { name: 'file', bytes: 'hello', size: base256(5) },
        { name: 'next', bytes: 'y' },
      ],
      wanted: [
        ['file', 'hello'],
        ['next', 'y'],
      ],
    },
    {
      title: 'with a size padded with blanks',
      entries: [{ name: 'file', bytes: 'hello', size: Buffer.from('          5 ') }],
      wanted: [['file', 'hello']],
    },
    {
      title: 'without folders, links and devices',
      entries: [
        { name: 'folder/', type: '5' },
        { name: 'hard', type: '1' },
        { name: 'soft', type: '2' },
        { name: 'device', type: '3' },
        { name: 'folder/file', bytes: 'x' },
      ],
      wanted: [['folder/file', 'x']],
    },
    {
      title: 'a long name of a folder is not given to the file behind it',
      entries: [longName(`${long}/`), { name: 'short', type: '5' }, { name: 'file', bytes: 'x' }],
      wanted: [['file', 'x']],
    },
  ])('are listed $title', ({ entries, wanted }) => {
    expect(contents(tar(entries))).toEqual(wanted);
  });

  it('are where the headers say, in blocks of 512 bytes', () => {
    const entries = [
      { name: 'a', bytes: 'x'.repeat(513) },
      { name: 'b', bytes: 'y' },
    ];
    expect(list(tar(entries))).toEqual([
      { name: 'a', offset: 512, size: 513 },
      { name: 'b', offset: 2048, size: 1 },
    ]);
  });

  it('may be larger than 8 GiB: only their headers are read', () => {
    const size = 9 * 2 ** 30 + 3;
    const archive = archiveOf(member({ name: 'huge', size: base256(size) }), 512 + 18 * 2 ** 30);
    expect(tarMembers(archive).next().value).toEqual({ name: 'huge', offset: 512, size });
  });

  it('need no mark at the end, and none is read behind it', () => {
    const file = member({ name: 'a', bytes: 'x' });
    expect(contents(file)).toEqual([['a', 'x']]);
    const after = Buffer.concat([tar([{ name: 'a', bytes: 'x' }]), member({ name: 'b', bytes: 'y' })]);
    expect(contents(after)).toEqual([['a', 'x']]);
  });
});

describe('all that is in a tar archive', () => {
  const kinds = (entries: readonly TarEntry[]): string[] =>
    [...tarEntries(archiveOf(tar(entries)))].map(({ name, kind, target, size }) =>
      [name, kind, target, size].join('|'),
    );

  it('is told by kind', () => {
    expect(
      kinds([
        { name: 'folder/', type: '5' },
        { name: 'old/', type: '\0' },
        { name: 'file', bytes: 'x' },
        { name: 'hard', type: '1', link: 'file', size: Buffer.from('00000000777\0') },
        { name: 'soft', type: '2', link: '../file' },
        { name: 'fifo', type: '6' },
        { name: 'null', type: '3' },
        { name: 'sda', type: '4' },
        { name: 'label', type: 'V' },
        { name: 'last', bytes: 'yy' },
      ]),
    ).toEqual([
      'file|a file||1',
      'hard|a hard link|file|0',
      'soft|a symbolic link|../file|0',
      'fifo|a FIFO||0',
      'null|a device||0',
      'sda|a device||0',
      'label|a special member||0',
      'last|a file||2',
    ]);
  });

  it('takes the long names of links, of pax and of GNU', () => {
    expect(
      kinds([
        pax({ linkpath: long }),
        { name: 'a', type: '2', link: 'short' },
        longName(long, 'K'),
        { name: 'b', type: '1' },
      ]),
    ).toEqual([`a|a symbolic link|${long}|0`, `b|a hard link|${long}|0`]);
  });

  it('knows sparse files, of GNU with the blocks of their map, and of pax', () => {
    const map = Buffer.alloc(1024);
    map[504] = 1; // one more block follows
    expect(
      kinds([
        { name: 's', type: 'S', sparse: map, bytes: 'data' },
        { name: 'n', bytes: 'x' },
        pax({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'p' }),
        { name: 'GNUSparseFile.0/p', bytes: '1\n0\n' },
      ]),
    ).toEqual(['s|a sparse file||4', 'n|a file||1', 'p|a sparse file||4']);
  });

  it('keeps names apart that are no UTF-8', () => {
    const names = [Buffer.from([0xe9]), Buffer.from([0xe8])].map((bytes) => bytes.toString('latin1'));
    expect(kinds(names.map((name) => ({ name, encoding: 'latin1', bytes: 'x' })))).toEqual([
      'é|a file||1',
      'è|a file||1',
    ]);
  });

  it('gives the size of a pax header to the member, not to a header between', () => {
    const entries = [
      pax({ size: '5' }),
      longName(long),
      { name: 'short', bytes: 'hello', size: Buffer.from('0') },
    ];
    expect(kinds(entries)).toEqual([`${long}|a file||5`]);
  });
});

describe('a damaged archive', () => {
  const sound = tar([
    { name: 'first', bytes: 'x'.repeat(700) },
    { name: 'second', bytes: 'y' },
  ]);
  const changed = (position: number, value: number): Buffer => {
    const bytes = Buffer.from(sound);
    bytes[position] = value;
    return bytes;
  };
  const records = (bytes: string): Buffer => tar([{ name: 'x', type: 'x', bytes }]);
  const sized = (size: string): Buffer => tar([{ name: 'first', bytes: '', size: Buffer.from(size) }]);

  it.each<[string, Uint8Array, string]>([
    ['cut off inside a member', sound.subarray(0, 1000), '"first" needs 1212 bytes, it has 1000'],
    ['cut off inside a header', sound.subarray(0, 1536 + 200), 'ends inside the header at byte 1536'],
    ['cut off inside the first header', sound.subarray(0, 3), 'ends inside the header at byte 0'],
    ['with a changed name', changed(1536, 0x53), 'no header at byte 1536'],
    ['with a changed checksum', changed(1536 + 150, 0x37), 'no header at byte 1536'],
    ['with text in place of the checksum', changed(150, 0x7a), 'no header at byte 0'],
    ['that is another file', Buffer.alloc(4096, 0x61), 'no header at byte 0'],
    ['with a size that is no number', sized('hello\0'), 'first'],
    ['with a size of digits that are not octal', sized('00000000009\0'), 'first'],
    ['with a size below zero', sized('-0000000010\0'), 'first'],
    ['with a pax record without its end', records('99 path=a\n'), 'extended header'],
    ['with a pax record of no length', records('path=a\n'), 'extended header'],
    ['with a pax record of length 0', records('0 a=b\n'), 'extended header'],
    ['with a pax size that is no number', tar([pax({ size: '1e3' }), { name: 'first' }]), 'first'],
    ['with a name of a megabyte', tar([longName('n'.repeat(1e6)), { name: 'x' }]), '1000000 letters'],
    [
      'with a pax header of more',
      tar([pax({ comment: 'n'.repeat(2 ** 20) }), { name: 'x' }]),
      'extended header of',
    ],
    [
      'with a map of a sparse file that has no end',
      Buffer.concat([tar([{ name: 's', type: 'S', sparse: Buffer.alloc(512, 1) }]).subarray(0, 1024)]),
      'is cut off',
    ],
    ['cut off inside a long name', tar([longName(long)]).subarray(0, 600), '@LongLink'],
  ])('is refused by name and place: %s', (_, bytes, place) => {
    const { code, text } = thrown(() => list(bytes));
    expect(code).toBe('ERR_DATASET');
    expect(text).toContain('`some.tar`');
    expect(text).toContain(place);
  });

  it('takes a value with a line that looks like another record as it is', () => {
    const sly = pax({ comment: 'x\n12 path=sly\n' });
    expect(contents(tar([sly, { name: 'honest', bytes: 'x' }]))).toEqual([['honest', 'x']]);
  });

  it('gives the members before the damage first', () => {
    const members = tarMembers(archiveOf(sound.subarray(0, 1600)));
    expect(members.next().value).toMatchObject({ name: 'first' });
    expect(thrown(() => members.next()).code).toBe('ERR_DATASET');
  });
});
