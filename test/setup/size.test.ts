import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bytesBelow, bytesOfPip, watched } from '../../src/setup/size.ts';
import { temporaryFolder } from '../support/libtorch.ts';

/** A folder with files of these sizes. */
function folderOf(files: Readonly<Record<string, number>>): string {
  const folder = temporaryFolder();
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), Buffer.alloc(bytes));
  }
  return folder;
}

describe('bytesBelow', () => {
  it.each([
    [{}, 0],
    [{ 'a/b/c': 3, d: 4 }, 7],
  ])('of %j is %i', async (files, bytes) => {
    expect(await bytesBelow(folderOf(files))).toBe(bytes);
  });

  it('of a folder that is not there is 0', async () => {
    expect(await bytesBelow(join(temporaryFolder(), 'none'))).toBe(0);
  });
});

describe('bytesOfPip', () => {
  it.each([
    ['nothing', {}, { downloaded: 0, unpacked: 0 }],
    [
      'a wheel, and the copy of it that pip puts into its cache',
      { 'pip-unpack-a/torch.whl': 5, tmpa: 5 },
      { downloaded: 5, unpacked: 0 },
    ],
    [
      'wheels, and what was in them',
      { 'pip-unpack-a/torch.whl': 5, 'pip-unpack-b/x.whl': 2, 'pip-target-c/torch/lib/libc10.so': 30 },
      { downloaded: 7, unpacked: 30 },
    ],
  ])('tells what is downloaded from what is unpacked: %s', async (_, files, bytes) => {
    expect(await bytesOfPip(folderOf(files))).toEqual(bytes);
  });
});

describe('watched', () => {
  it('tells what changes, once, and nothing more when the work is done', async () => {
    const told: string[] = [];
    let line = '';
    let looks = 0;
    const look = async () => {
      looks++;
      return line;
    };
    const say = (text: string) => told.push(text);
    const untilLookedAt = async () => {
      const seen = looks;
      await expect.poll(() => looks).toBeGreaterThan(seen + 2);
    };
    const work = async () => {
      await untilLookedAt();
      line = '3 MB';
      await untilLookedAt();
      line = '4 MB';
      await untilLookedAt();
      return 'done';
    };
    expect(await watched(look, say, work, 2)).toBe('done');
    line = '5 MB';
    expect(told).toEqual(['3 MB', '4 MB']);
  });
});
