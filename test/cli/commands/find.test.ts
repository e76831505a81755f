/** The searches before a training, on the command line. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli } from '../../support/cli.ts';
import { writeDigits } from '../../support/files/idx.ts';
import { temporaryFolder } from '../../support/folder.ts';

const place = ['--device', 'cpu', '--threads', '1'];

describe('find-lr', () => {
  it('suggests a rate and draws a picture, which it never writes over', async () => {
    const folder = await temporaryFolder();
    const picture = join(folder, 'rates.svg');
    const data = `mnist:${await writeDigits(join(folder, 'data'))}`;
    const args = ['find-lr', '--data', data, '--batch', '8', '--ramp', '10', '--out', picture, ...place];
    const { code, stdout } = await cli(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+ steps: (--lr [\d.e-]+|the loss never falls)\nwrote .*rates\.svg\n$/);
    expect(existsSync(picture)).toBe(true);
    expect(await cli(args)).toMatchObject({ code: 3, stdout: '' });
    const again = await cli([...args, '--force', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ picture, rates: expect.any(Array) });
    expect(await cli([...args, '--force', '--quiet'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it.each([
    { title: 'nothing', flags: [] },
    { title: 'a recipe: its model, settings and transforms', flags: ['--recipe', 'lm-cifar10'] },
    { title: 'another model for a recipe', flags: ['--recipe', 'lm-cifar10', '--model', 'lm_resnet20'] },
    { title: 'paths that are frozen', flags: ['--freeze', 'stem,stage1'] },
    { title: 'depths that are frozen', flags: ['--freeze-depth', '0.6'] },
    { title: 'another size of the images', flags: ['--sizes', '20,24'] },
    { title: 'batches to overfit', flags: ['--overfit-batches', '1', '--recipe', 'lm-cifar10'] },
  ])('trains as a training with the same flags does: $title', async ({ flags }) => {
    const folder = await temporaryFolder();
    const data = `mnist:${await writeDigits(join(folder, 'data'))}`;
    const common = ['--data', data, '--batch', '8', ...flags, '--json', ...place];
    const range = ['--from', '0.05', '--to', '0.0500000001', '--ramp', '10'];
    const found = await cli(['find-lr', ...common, ...range]);
    const run = ['--run', join(folder, 'run'), '--lr', '0.05', '--schedule', 'constant', '--steps', '2'];
    const trained = await cli(['train', ...common, ...run, '--quiet']);
    // Of the second step: the first update lies before it.
    expect(JSON.parse(found.stdout).losses[1]).toBeCloseTo(JSON.parse(trained.stdout).loss, 5);
  });

  it.each([
    { title: 'no data', flags: [] },
    { title: 'a range that falls', flags: ['--data', 'mnist:none', '--from', '1', '--to', '0.1'] },
    { title: 'an unknown model', flags: ['--data', 'mnist:none', '--model', 'resnet19'] },
    { title: 'an option of a whole training', flags: ['--data', 'mnist:none', '--epochs', '3'] },
  ])('exits with 2: $title', async ({ flags }) => {
    expect((await cli(['find-lr', ...flags, '--json'])).code).toBe(2);
  });
});

describe('find-batch', () => {
  it('lists the batches that it tried', async () => {
    const data = `mnist:${await writeDigits(join(await temporaryFolder(), 'data'))}`;
    const args = ['find-batch', '--data', data, '--most', '16', ...place];
    const { code, stdout } = await cli(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^8 +\d+ +\d+ MB\n16 +\d+ +\d+ MB\n\nlargest batch: 16 \(--most ends here\)/m);
    const json = JSON.parse((await cli([...args, '--json'])).stdout);
    expect(json).toMatchObject({ largest: 16, limit: 'most', trials: [{ batch: 8 }, { batch: 16 }] });
  });
});
