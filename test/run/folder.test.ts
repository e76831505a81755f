import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRunFolder, nextRunFolder } from '../../src/run/folder.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';

describe('createRunFolder', () => {
  it('creates the folder and its parents, and takes an empty one', async () => {
    const path = join(await temporaryFolder(), 'a', 'b');
    expect(await createRunFolder(path)).toBe(path);
    expect(await readdir(path)).toEqual([]);
    expect(await createRunFolder(path)).toBe(path);
  });

  it('never takes a folder with anything in it, nor a file', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'run'));
    await writeFile(join(folder, 'run', 'x'), 'mine');
    for (const name of ['run', 'run/x'])
      expect(await codeOf(createRunFolder(join(folder, name)))).toBe('ERR_RUN_EXISTS');
    expect(await readdir(join(folder, 'run'))).toEqual(['x']);
  });

  it('refuses a path through a file', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'x'), '');
    expect(await codeOf(createRunFolder(join(folder, 'x', 'run')))).toBe('ERR_FILE');
    expect(await codeOf(createRunFolder(join(folder, 'x', 'y', 'run')))).toBe('ERR_FILE');
  });
});

describe('nextRunFolder', () => {
  it('counts from the second run of a name', async () => {
    const base = join(await temporaryFolder(), 'runs');
    const paths = [
      await nextRunFolder(base, 'net'),
      await nextRunFolder(base, 'net'),
      await nextRunFolder(base, 'net'),
    ];
    expect(paths).toEqual(['net', 'net-2', 'net-3'].map((name) => join(base, name)));
  });

  it('gives everyone a folder of their own when many ask at once', async () => {
    const base = join(await temporaryFolder(), 'runs');
    const paths = await Promise.all(Array.from({ length: 12 }, () => nextRunFolder(base, 'net')));
    expect(new Set(paths).size).toBe(12);
    expect(await readdir(base)).toHaveLength(12);
  });

  it.each(['', '.', '..', 'a/b', 'a\\b', 'a\0b'])('refuses the name %j', async (name) => {
    expect(await codeOf(nextRunFolder(await temporaryFolder(), name))).toBe('ERR_CONFIG');
  });

  it('refuses a base that is a file', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'x'), '');
    expect(await codeOf(nextRunFolder(join(folder, 'x'), 'net'))).toBe('ERR_FILE');
  });
});
