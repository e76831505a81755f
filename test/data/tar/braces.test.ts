import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expandPath } from '../../../src/data/tar/braces.ts';
import { codeOf } from '../../support/failures.ts';
import { temporaryFolder } from '../../support/folder.ts';

describe('a path with braces', () => {
  // What bash writes out for the same pattern.
  it.each<[string, readonly string[]]>([
    ['a.tar', ['a.tar']],
    ['shard-{0..3}.tar', ['shard-0.tar', 'shard-1.tar', 'shard-2.tar', 'shard-3.tar']],
    ['{008..011}', ['008', '009', '010', '011']],
    ['{8..11}', ['8', '9', '10', '11']],
    ['{08..11}', ['08', '09', '10', '11']],
    ['{7..7}.tar', ['7.tar']],
    ['{train,val}.tar', ['train.tar', 'val.tar']],
    ['{b,a}-{0..1}', ['b-0', 'b-1', 'a-0', 'a-1']],
    ['x{,.old}', ['x', 'x.old']],
    ['/data/{a,b}/x.tar', ['/data/a/x.tar', '/data/b/x.tar']],
    ['{a,b}-{1..2}-{x,y}', ['a-1-x', 'a-1-y', 'a-2-x', 'a-2-y', 'b-1-x', 'b-1-y', 'b-2-x', 'b-2-y']],
    ['{a,b}{,}', ['a', 'a', 'b', 'b']],
    ['shard-{0..3', ['shard-{0..3']],
  ])('is written out in order: %s', async (pattern, wanted) => {
    expect(await expandPath(pattern)).toEqual(wanted);
  });

  it.each(['{3..1}', '{0..1000000}', 'x-{0..99999999999999999999}.tar', '{a,b{1..2}}', '{{0..1},a}'])(
    'is refused when its range is empty or absurd, or braces are nested: %s',
    async (pattern) => {
      expect(await codeOf(expandPath(pattern))).toBe('ERR_DATASET');
    },
  );
});

describe('a path that stands for absurdly many is refused at once', () => {
  const zeros = '0'.repeat(4000);
  it.each<[string, string]>([
    ['a range of a million', '{1..1000000}'],
    ['ranges whose product is absurd', '{0..999}{0..999}'],
    ['2 ^ 40 alternatives', '{a,b}'.repeat(40)],
    ['a number that is not exact', '{99999999999999999999..99999999999999999999}'],
    ['ends that are no numbers any more', `{1..${'9'.repeat(400)}}`],
    ['numbers of thousands of digits', `{${zeros}1..${zeros}9}`],
    ['long paths by the thousand', `${'x'.repeat(2000)}{1..99999}`],
    ['a pattern that is no path', 'x'.repeat(5000)],
  ])('%s', async (_, pattern) => {
    expect(await codeOf(expandPath(pattern))).toBe('ERR_DATASET');
  });
});

describe('a path with stars', () => {
  const names = ['b-1.tar', 'b-0.tar', 'a.tar', 'b.tar.part', 'b+0(1).tar', 'x.txt'];
  const folderOf = async (): Promise<string> => {
    const folder = await temporaryFolder();
    for (const name of names) await writeFile(join(folder, name), '');
    return folder;
  };

  it.each<[string, readonly string[]]>([
    ['*.tar', ['a.tar', 'b+0(1).tar', 'b-0.tar', 'b-1.tar']],
    ['b-*.tar', ['b-0.tar', 'b-1.tar']],
    ['b*', ['b+0(1).tar', 'b-0.tar', 'b-1.tar', 'b.tar.part']],
    ['*+0(*).tar', ['b+0(1).tar']],
    ['{x.*,a*}', ['x.txt', 'a.tar']],
  ])('is looked up and sorted: %s', async (pattern, wanted) => {
    const found = await expandPath(join(await folderOf(), pattern));
    expect(found.map((path) => basename(path))).toEqual(wanted);
  });

  it('takes braces in its folder', async () => {
    const folder = await temporaryFolder();
    for (const name of ['train', 'extra']) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, '0.tar'), '');
    }
    const wanted = [join(folder, 'train', '0.tar'), join(folder, 'extra', '0.tar')];
    expect(await expandPath(join(folder, '{train,extra}', '*.tar'))).toEqual(wanted);
  });

  it('of many stars is matched in one pass', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'a'.repeat(200)), '');
    await writeFile(join(folder, '._0.tar'), '');
    expect(await codeOf(expandPath(join(folder, `${'*a'.repeat(60)}*b`)))).toBe('ERR_DATASET');
    expect(await expandPath(join(folder, `${'*a'.repeat(60)}*`))).toHaveLength(1);
    expect(await codeOf(expandPath(join(folder, '*.tar')))).toBe('ERR_DATASET');
    expect(await expandPath(join(folder, '.*.tar'))).toHaveLength(1);
  });

  it('is refused when nothing matches, and when its folder is missing', async () => {
    const folder = await folderOf();
    expect(await codeOf(expandPath(join(folder, 'c*.tar')))).toBe('ERR_DATASET');
    expect(await codeOf(expandPath(join(folder, 'none', '*.tar')))).toBe('ERR_FILE');
  });

  it('stands for files, not for folders', async () => {
    expect(await codeOf(expandPath(join(await folderOf(), '*', '*.tar')))).toBe('ERR_FILE');
  });
});
