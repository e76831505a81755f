import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isTemporary, linkFile, replaceFile, withFile } from '../src/files.ts';
import { codeOf } from './support/failures.ts';
import { temporaryFolder } from './support/folder.ts';

describe('linkFile', () => {
  it('gives a file a second name, in place of another file, and once more without effect', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'a'), 'new');
    await writeFile(join(folder, 'b'), 'old');
    for (const _ of [1, 2]) await linkFile(join(folder, 'a'), join(folder, 'b'));
    expect(await readdir(folder)).toEqual(['a', 'b']);
    expect(await readFile(join(folder, 'b'), 'utf8')).toBe('new');
    await replaceFile(join(folder, 'a'), (file) => file.writeFile('newer'));
    expect(await readFile(join(folder, 'b'), 'utf8')).toBe('new');
  });

  it('is ERR_FILE without a file, and leaves the other', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'b'), 'old');
    expect(await codeOf(linkFile(join(folder, 'a'), join(folder, 'b')))).toBe('ERR_FILE');
    expect(await readdir(folder)).toEqual(['b']);
  });

  it('writes under names that are known again', async () => {
    const folder = await temporaryFolder();
    let under = '';
    await replaceFile(join(folder, 'a'), async () => {
      under = (await readdir(folder))[0] ?? '';
    });
    expect([under, 'a', '.tmp'].map(isTemporary)).toEqual([true, false, false]);
  });
});

describe('replaceFile', () => {
  it('writes a new file and leaves nothing else', async () => {
    const folder = await temporaryFolder();
    await replaceFile(join(folder, 'a'), (file) => file.writeFile('new'));
    expect(await readdir(folder)).toEqual(['a']);
    expect(await readFile(join(folder, 'a'), 'utf8')).toBe('new');
  });

  it('keeps the old file when the writing fails half-way', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'a');
    await writeFile(path, 'old');
    const full = Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' });
    const torn = replaceFile(path, async (file) => {
      await file.writeFile('ne');
      throw full;
    });
    await expect(torn).rejects.toMatchObject({
      code: 'ERR_FILE',
      hint: expect.stringContaining('full'),
      cause: full,
    });
    expect(await readdir(folder)).toEqual(['a']);
    expect(await readFile(path, 'utf8')).toBe('old');
  });

  it('passes on errors that are not of the file system', async () => {
    const folder = await temporaryFolder();
    const mine = new Error('mine');
    await expect(replaceFile(join(folder, 'a'), () => Promise.reject(mine))).rejects.toBe(mine);
    expect(await readdir(folder)).toEqual([]);
  });

  it('leaves one whole file when many write the same', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'a');
    const texts = Array.from({ length: 8 }, (_, i) => String(i).repeat(10_000));
    await Promise.all(texts.map((text) => replaceFile(path, (file) => file.writeFile(text))));
    expect(texts).toContain(await readFile(path, 'utf8'));
    expect(await readdir(folder)).toEqual(['a']);
  });

  it('refuses a missing folder, a folder in the place of the file, and a file in the place of the folder', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'd'));
    await writeFile(join(folder, 'f'), '');
    for (const path of ['none/a', 'd', 'f/a'])
      expect(await codeOf(replaceFile(join(folder, path), (file) => file.writeFile('')))).toBe('ERR_FILE');
    expect(await readdir(folder)).toEqual(['d', 'f']);
  });
});

describe('withFile', () => {
  it('refuses a path that cannot be one', async () => {
    expect(await codeOf(withFile('a\0b', async () => 1))).toBe('ERR_FILE');
  });

  it('refuses a missing file with the meaning of the errno', async () => {
    const folder = await temporaryFolder();
    const read = withFile(join(folder, 'none'), async () => 1);
    await expect(read).rejects.toMatchObject({
      code: 'ERR_FILE',
      message: expect.stringContaining('ENOENT'),
    });
  });
});
