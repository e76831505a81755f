import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { runCli } from '../../support/children.ts';
import { cli } from '../../support/cli.ts';
import { writeDigits } from '../../support/files/idx.ts';
import { photosOf, writePhotos } from '../../support/files/photos.ts';
import { temporaryFolder } from '../../support/folder.ts';

interface Place {
  readonly folder: string;
  readonly photos: string;
  readonly set: string;
  readonly out: string;
}

async function place(): Promise<Place> {
  const folder = await temporaryFolder();
  const photos = await writePhotos(join(folder, 'photos'), photosOf(2, 4));
  return { folder, photos, set: `imageFolder:${photos}`, out: join(folder, 'sheet.png') };
}

describe('data', () => {
  it.each(['preview', 'check'])('explains %s', async (command) => {
    const { code, stdout } = await cli(['data', command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^Usage: lm-resnet data ${command} `));
    expect(stdout).toContain('Examples:');
  });

  it.each([
    ['data'],
    ['data', 'chek', 'mnist:x'],
    ['data', 'check'],
    ['data', 'check', 'mnist:x', '--workers', '0'],
  ])('exits with 2 for a wrong call: %s %s %s %s %s', async (...args) => {
    expect((await cli(args.filter(Boolean))).code).toBe(2);
  });
});

describe('data preview', () => {
  it('writes a sheet and says what is on it', async () => {
    const { set, out } = await place();
    const { code, stdout, stderr } = await cli([
      'data',
      'preview',
      set,
      '--out',
      out,
      '--count',
      '4',
      '--image-size',
      '100',
    ]);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `${out}: 4 of 8 images, 2 classes\n`,
      stderr: '',
    });
    const { width, height } = await sharp(out).metadata();
    expect({ width, height }).toEqual({ width: 8 + 3 * 108, height: 8 + 2 * 126 });
  });

  it('shows what the seed, the epoch and the transform make of them', async () => {
    const { set, out } = await place();
    const sheet = async (...flags: string[]): Promise<string> => {
      const args = ['data', 'preview', set, '--out', out, '--image-size', '32', ...flags];
      expect(await cli(args)).toMatchObject({ code: 0, stderr: '' });
      return (await readFile(out)).toString('base64');
    };
    const crop = '[{"kind":"centerCrop","size":30}]';
    const flags = [
      [],
      ['--seed', '1'],
      ['--epoch', '1'],
      ['--eval'],
      ['--transform', crop],
      ['--transform', crop, '--eval'],
    ];
    const sheets: string[] = [];
    for (const some of flags) sheets.push(await sheet(...some));
    expect(new Set(sheets).size).toBe(flags.length);
    expect(await sheet('--seed', '1')).toBe(sheets[1]);
  });

  it('takes a part of pixels in memory, and a data set as JSON', async () => {
    const { folder, out } = await place();
    const digits = await writeDigits(join(folder, 'digits'), { train: 6, test: 3 });
    const preview = (set: string, ...flags: string[]): ReturnType<typeof cli> =>
      cli(['data', 'preview', set, '--out', out, ...flags]);
    expect((await preview(`mnist:${digits}`)).stdout).toContain('6 of 6 images, 10 classes');
    expect((await preview(`mnist:${digits}`, '--split', 'test')).stdout).toContain('3 of 3 images');
    const json = JSON.stringify({ kind: 'mnist', path: digits, split: 'test' });
    expect((await preview(json)).stdout).toContain('3 of 3 images');
  });

  it.each<[string, readonly string[], number, string]>([
    ['JSON', ['--transform', '[{'], 2, 'ERR_CONFIG'],
    ['an operation', ['--transform', '[{"kind":"flip"}]'], 2, 'ERR_CONFIG'],
    [
      'an operation that leaves sizes that differ',
      ['--transform', '[{"kind":"horizontalFlip"}]'],
      2,
      'ERR_CONFIG',
    ],
    ['a count', ['--count', 'x'], 2, 'ERR_CONFIG'],
    ['a seed', ['--seed', 'x'], 2, 'ERR_CONFIG'],
    ['an epoch', ['--epoch', '-1'], 2, 'ERR_CONFIG'],
    ['a split', ['--split', 'val'], 2, 'ERR_CONFIG'],
    ['a part', ['--split', 'test'], 3, 'ERR_DATASET'],
    ['a place to write', ['--out', '/nowhere/sheet.png'], 3, 'ERR_FILE'],
  ])('refuses a wrong thing: %s', async (_, flags, wanted, error) => {
    const { set, out } = await place();
    const { code, stderr } = await cli([
      'data',
      'preview',
      set,
      '--image-size',
      '32',
      '--out',
      out,
      ...flags,
    ]);
    expect(code).toBe(wanted);
    expect(stderr).toContain(error);
  });
});

describe('data check', () => {
  it('exits with 0 when every image can be used, in a process of its own', async () => {
    const { set } = await place();
    const { code, stdout, stderr } = await runCli(['data', 'check', set, '--workers', '2']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '8 images, 0 bad\n' });
    expect(stderr).toContain('image 8/8');
  });

  it('exits with 3 and lists the others, in words and as JSON', async () => {
    const { set, photos } = await place();
    await writeFile(join(photos, 'a/2.jpg'), 'no image');
    await truncate(join(photos, 'b/1.jpg'), 0);
    const said = await runCli(['data', 'check', set, '--quiet']);
    expect(said).toMatchObject({ code: 3, stderr: '' });
    const lines = said.stdout.split('\n');
    expect(lines).toEqual([
      expect.stringContaining(`${join(photos, 'a/2.jpg')}: `),
      expect.stringContaining(`${join(photos, 'b/1.jpg')}: `),
      '8 images, 2 bad',
      '',
    ]);
    const { code, stdout } = await runCli(['data', 'check', set, '--json', '--quiet']);
    expect({ code, result: JSON.parse(stdout) }).toEqual({
      code: 3,
      result: {
        count: 8,
        bad: ['a/2.jpg', 'b/1.jpg'].map((name) => ({ name: join(photos, name), reason: expect.any(String) })),
      },
    });
    // A command after it in the same process has its own exit code.
    expect(await cli(['data', 'check', set, '--quiet'])).toMatchObject({ code: 3 });
    expect(await cli(['data', 'check', '--help'])).toMatchObject({ code: 0 });
    expect(process.exitCode).toBeUndefined();
  });

  it.each([
    { set: 'imageFolder:/nowhere', wanted: 3, error: 'ERR_FILE' },
    { set: 'imageFolder', wanted: 2, error: 'ERR_CONFIG' },
    { set: 'records:/nowhere', wanted: 3, error: 'ERR_FILE' },
    { set: 'webDataset:/nowhere/{0..3}.tar', wanted: 3, error: 'ERR_FILE' },
  ])('of $set exits with $wanted', async ({ set, wanted, error }) => {
    const { code, stdout } = await cli(['data', 'check', set, '--json']);
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: wanted, error: { code: error } });
  });
});
