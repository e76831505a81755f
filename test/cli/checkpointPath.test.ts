import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeImage } from '../../src/images/writeImage.ts';
import { cli } from '../support/cli.ts';
import { temporaryFolder } from '../support/folder.ts';
import { digit, type Job, job, lastLine, place } from '../support/job.ts';
import { noiseBytes } from '../support/noise.ts';

/** A run whose best evaluation is that of its first step, and an image. */
async function trained(): Promise<Job & { readonly image: string; readonly folder: string }> {
  const made = await job({ train: 16 });
  await cli([...made.args, '--epochs', '2', '--lr', '0', '--schedule', 'constant', '--quiet']);
  const image = join(made.data, 'digit.png');
  await writeImage(image, noiseBytes(784), digit);
  return { ...made, image, folder: dirname(made.data) };
}

describe('a run folder in place of a checkpoint', () => {
  it('is its best, else its last, for every command, and a note says which', async () => {
    const { run, data, image, folder } = await trained();
    const commands = (which: string): readonly (readonly string[])[] => [
      ['evaluate', run, '--data', `mnist:${data}`, '--json', ...place],
      ['predict', run, image, '--json', ...place],
      ['info', run, '--json'],
      ['analyze', run, '--json', ...place],
      ['export', run, '--onnx', join(folder, `${which}.onnx`), '--json'],
      ['deepen', run, '--out', join(folder, `${which}.safetensors`), '--json', ...place],
      ['train', '--from', run, '--data', `mnist:${data}`, '--fast-dev-run', '--json', ...place],
    ];
    for (const which of ['best', 'checkpoint']) {
      if (which === 'checkpoint') await rm(join(run, 'best.safetensors'));
      for (const command of commands(which)) {
        const { code, stderr } = await cli(command);
        expect(code, `${command.join(' ')}\n${stderr}`).toBe(0);
        expect(stderr, command[0]).toContain(`note: ${join(run, which)}.safetensors: `);
      }
    }
  });

  it('has the scores of the checkpoint that it says', async () => {
    const { run } = await trained();
    const step = async (path: string): Promise<unknown> => {
      const { checkpoint } = lastLine((await cli(['info', path, '--json'])).stdout);
      return (checkpoint as { run: { step: number } }).run.step;
    };
    expect(await step(run)).toBe(1);
    expect(await step(join(run, 'checkpoint.safetensors'))).toBe(2);
  });

  it.each([
    { title: 'has no checkpoint', path: (folder: string) => folder, code: 'ERR_FILE' },
    { title: 'is not there', path: (folder: string) => join(folder, 'none'), code: 'ERR_FILE' },
  ])('that $title is refused', async ({ path, code }) => {
    const folder = path(await temporaryFolder());
    const { code: exit, stdout } = await cli(['evaluate', folder, '--data', 'mnist:x', '--json', ...place]);
    expect({ exit, ...lastLine(stdout) }).toMatchObject({ exit: 3, error: { code } });
  });

  it('may be called as a model is, where it is named by a path', async () => {
    const { run, folder } = await trained();
    await mkdir(join(folder, 'other'));
    await rename(run, join(folder, 'other', 'resnet20'));
    const { stdout } = await cli(['info', join(folder, 'other', 'resnet20'), '--json']);
    expect(lastLine(stdout)).toMatchObject({ name: 'lm_resnet20', classes: 10 });
  });
});
