/** `lm-resnet train --auto-resume`: one line that begins and goes on; and the lock of a run that goes on. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockRun } from '../../src/run/lock.ts';
import '../support/addon.ts';
import { cli } from '../support/cli.ts';
import { photosOf, writePhotos } from '../support/files/photos.ts';
import { temporaryFolder } from '../support/folder.ts';

/** A line of every kind of thing that a run begins with; "@" stands for where its files are. */
const lines: Readonly<Record<string, readonly string[]>> = {
  'flags alone': ['--data', 'imageFolder:@/photos', '--image-size', '16', '--batch', '4'],
  'a recipe, and choices beside it': [
    ...['--data', 'imageFolder:@/photos', '--recipe', 'imagenet-a3', '--model', 'lm_resnet20'],
    ...['--image-size', '16', '--batch', '4', '--accumulate', '1', '--drop-path', '0.1', '--reprob', '0.3'],
  ],
  'a configuration file': ['--config', '@/train.json'],
};

async function line(flags: readonly string[]): Promise<{ run: string; args: string[] }> {
  const folder = await temporaryFolder();
  await writePhotos(join(folder, 'photos/train'), photosOf(2, 4));
  await writePhotos(join(folder, 'photos/valid'), photosOf(2, 2));
  const run = join(folder, 'run');
  const config = { data: `imageFolder:${folder}/photos`, imageSize: 16, batch: 4, run, autoResume: true };
  await writeFile(join(folder, 'train.json'), JSON.stringify(config));
  const given = flags.map((flag) => flag.replaceAll('@', folder));
  const own = flags[0] === '--config' ? [] : ['--run', run, '--auto-resume'];
  const short = ['--steps', '2', '--checkpoint-every', '1', '--lr', '0.01', '--device', 'cpu'];
  return { run, args: ['train', ...given, ...own, ...short, '--quiet'] };
}

describe('train --auto-resume', () => {
  it.each(Object.entries(lines))('begins, and goes on with the same line: %s', async (_, flags) => {
    const { run, args } = await line(flags);
    expect(await cli([...args, '--threads', '1'])).toMatchObject({ code: 0, stderr: '' });
    const newest = join(run, 'checkpoint.safetensors');
    const whole = await readFile(newest, 'base64');
    for (const name of [newest, join(run, 'checkpoint-2.safetensors')]) await rm(name);
    // As many threads as there were: otherwise sums are rounded in another way.
    expect(await cli(args)).toMatchObject({ code: 0, stderr: '' });
    expect(await readFile(newest, 'base64')).toBe(whole);
  });

  it.each([
    { title: 'another rate', more: ['--lr', '0.02'], says: 'lr was 0.01, is 0.02' },
    { title: 'another model', more: ['--model', 'resnet20'], says: '"resnet20"' },
    { title: 'another size', more: ['--image-size', '24'], says: '3 x 24 x 24' },
    { title: 'another transform', more: ['--reprob', '0.5'], says: 'data.train.transform' },
  ])('says what differs: $title', async ({ more, says }) => {
    const { run, args } = await line(lines['flags alone'] ?? []);
    await cli(args);
    const { code, stderr } = await cli([...args, ...more]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(says) });
    expect(await readdir(run)).not.toContain('run.lock');
  });

  it('takes an older checkpoint for a damaged one where it may', async () => {
    const { run, args } = await line(lines['flags alone'] ?? []);
    await cli(args);
    const newest = join(run, 'checkpoint.safetensors');
    const whole = await readFile(newest, 'base64');
    await rm(join(run, 'checkpoint-2.safetensors'));
    await writeFile(newest, 'cut off');
    expect(await cli(args)).toMatchObject({ code: 3, stderr: expect.stringContaining('--resume-fallback') });
    expect(await cli([...args, '--resume-fallback'])).toMatchObject({ code: 0 });
    expect(await readFile(newest, 'base64')).toBe(whole);
  });

  it.each([
    { title: 'no run folder', args: ['--auto-resume'] },
    { title: 'a run to resume beside it', args: ['--auto-resume', '--resume', 'a'] },
    { title: 'a fallback of nothing', args: ['--resume-fallback'] },
    { title: 'a try that leaves nothing', args: ['--auto-resume', '--run', 'a', '--fast-dev-run'] },
  ])('is refused: $title', async ({ args }) => {
    expect(await cli(['train', '--data', 'mnist:nowhere', ...args])).toMatchObject({ code: 2 });
  });

  it.each([
    { title: 'a checkpoint to start from that is none', more: ['--from', '@/train.json'], code: 3 },
    { title: 'a part of dropped paths that cannot be', more: ['--drop-path', '7'], code: 2 },
    { title: 'a device that is not here', more: ['--device', 'cuda:77'], code: 5 },
    { title: 'more images in a step than there are', more: ['--batch', '4000'], code: 2 },
  ])('leaves no folder that it made where nothing begins: $title', async ({ more, code }) => {
    const { run, args } = await line(lines['flags alone'] ?? []);
    const given = [...args, ...more.map((flag) => flag.replaceAll('@', dirname(run)))];
    expect(await cli(given)).toMatchObject({ code });
    expect(await readdir(dirname(run))).not.toContain('run');
    await mkdir(run);
    expect(await cli(given)).toMatchObject({ code });
    expect(await readdir(run)).toEqual([]);
  });

  it('and --resume are refused in a folder in use, before its checkpoint is read', async () => {
    const { run, args } = await line(lines['flags alone'] ?? []);
    await cli(args);
    await writeFile(join(run, 'checkpoint.safetensors'), 'half of one: another process is at it');
    const lock = await lockRun(run);
    const busy = { code: 1, stderr: expect.stringContaining('ERR_BUSY') };
    expect(await cli(args)).toMatchObject(busy);
    expect(await cli(['train', '--resume', run])).toMatchObject(busy);
    await lock.release();
  });
});
