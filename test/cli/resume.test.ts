/** `lm-resnet train --resume` with nothing but a run folder. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readMetrics } from '../../src/run/metricsLog.ts';
import '../support/addon.ts';
import { cli } from '../support/cli.ts';
import { writeDigits } from '../support/files/idx.ts';
import { photosOf, writePhotos } from '../support/files/photos.ts';
import { temporaryFolder } from '../support/folder.ts';

const place = ['--device', 'cpu', '--threads', '1'];

/** Folders of images, of which a run is given some by flags; "@" stands for where they are. */
async function folders(): Promise<string> {
  const folder = await temporaryFolder();
  await writePhotos(join(folder, 'parted/train'), photosOf(2, 4));
  await writePhotos(join(folder, 'parted/valid'), photosOf(2, 2));
  await writePhotos(join(folder, 'whole'), photosOf(2, 4));
  await writeFile(join(folder, 'out.txt'), '0/0.jpg\n1/1.jpg\n');
  await writeDigits(join(folder, 'digits'));
  return folder;
}

const photo = ['--image-size', '16', '--batch', '4', '--workers', '1'];
const resized = [
  { kind: 'resize', size: [16, 16] },
  { kind: 'centerCrop', size: 16 },
];
const json = (spec: object): string => JSON.stringify(spec);

const given: Readonly<Record<string, readonly string[]>> = {
  'a known data set': ['--data', 'mnist:@/digits', '--batch', '8'],
  'a folder with parts': ['--data', 'imageFolder:@/parted', ...photo],
  'a folder, and another to test on': [
    '--data',
    'imageFolder:@/whole',
    '--test',
    'imageFolder:@/parted',
    ...photo,
  ],
  'a folder of which nothing is tested on': ['--data', 'imageFolder:@/whole', ...photo],
  'a part drawn to test on': [
    '--data',
    json({ kind: 'imageFolder', path: '@/whole', holdOut: { fraction: 0.5, seed: 3 } }),
    ...photo,
  ],
  'a transform of its own, and decoding': [
    '--data',
    json({ kind: 'imageFolder', path: '@/parted', transform: resized, exif: false }),
    ...photo,
  ],
  'the transforms and settings of a recipe': [
    ...['--data', 'imageFolder:@/parted', '--recipe', 'imagenet-a3', '--model', 'lm_resnet20'],
    ...[...photo, '--accumulate', '1'],
  ],
  'double precision': ['--data', 'mnist:@/digits', '--batch', '8', '--dtype', 'float64'],
};

/** A run of two steps, of which the first checkpoint stays too. */
async function begun(flags: readonly string[]): Promise<{ folder: string; run: string }> {
  const folder = await folders();
  const run = join(folder, 'run');
  // Paths as a person writes them: from where they stand.
  const path = relative(process.cwd(), folder);
  const args = flags.map((flag) => flag.replaceAll('@', path));
  const steps = ['--steps', '2', '--checkpoint-every', '1', '--lr', '0.01', '--run', run];
  const { code, stdout, stderr } = await cli(['train', ...args, ...steps, '--json', '--quiet', ...place]);
  expect({ code, stdout, stderr }).toMatchObject({ code: 0, stderr: '' });
  return { folder, run };
}

describe('train --resume alone', () => {
  it.each(Object.entries(given))('goes on to the bit with %s', async (_, flags) => {
    const { run } = await begun(flags);
    const files = async (): Promise<unknown[]> => [
      await readFile(join(run, 'checkpoint.safetensors'), 'base64'),
      JSON.parse(await readFile(join(run, 'settings.json'), 'utf8')),
      (await readMetrics(join(run, 'metrics.jsonl'))).map((row) => ({ ...row, imagesPerSecond: 0 })),
    ];
    const before = await files();
    const resumed = await cli(['train', '--resume', join(run, 'checkpoint-1.safetensors'), '--quiet']);
    expect(resumed).toMatchObject({ code: 0, stderr: '' });
    expect(await files()).toEqual(before);
  });

  it('takes data from where they are now, with the part to test on', async () => {
    const { folder, run } = await begun(given['a folder with parts'] ?? []);
    const moved = join(folder, 'moved');
    await rename(join(folder, 'parted'), moved);
    const lost = await cli(['train', '--resume', run, '--quiet']);
    expect(lost.code).not.toBe(0);
    expect(lost.stderr).toContain(join(folder, 'parted'));
    const args = ['train', '--resume', run, '--data', `imageFolder:${moved}`, '--quiet'];
    expect(await cli(args)).toMatchObject({ code: 0 });
    expect(await cli(['train', '--resume', run, '--quiet'])).toMatchObject({ code: 0 });
  });

  it('keeps what is tested on where the data to train on are elsewhere', async () => {
    const { folder, run } = await begun(given['a folder, and another to test on'] ?? []);
    const moved = join(folder, 'moved');
    await rename(join(folder, 'whole'), moved);
    const args = ['train', '--resume', run, '--data', `imageFolder:${moved}`, '--quiet'];
    expect(await cli(args)).toMatchObject({ code: 0 });
  });

  it('asks for data that were not recorded', async () => {
    const { run } = await begun(given['a known data set'] ?? []);
    const path = join(run, 'settings.json');
    for (const text of ['{}', '{', JSON.stringify({ data: { train: { spec: null }, test: null } })]) {
      await writeFile(path, text);
      const { code, stderr } = await cli(['train', '--resume', run, '--quiet']);
      expect({ code, told: stderr.includes('--data') }).toEqual({ code: 2, told: true });
    }
  });
});
