import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCheckpointInfo } from '../../src/checkpoint/checkpoint.ts';
import { writeImage } from '../../src/images/writeImage.ts';
import { runCli } from '../support/children.ts';
import { cli } from '../support/cli.ts';
import { photosOf, writePhotos } from '../support/files/photos.ts';
import { temporaryFolder } from '../support/folder.ts';
import { digit, job, lastLine, place } from '../support/job.ts';
import { noiseBytes } from '../support/noise.ts';
import { loaded } from '../support/training.ts';

describe('evaluate and predict', () => {
  it('serve the checkpoint of a training, each in its own process', async () => {
    const { args, data, checkpoint } = await job();
    const trained = lastLine((await runCli([...args, '--steps', '2', '--quiet'])).stdout);
    const evaluated = await runCli(['evaluate', checkpoint, '--data', `mnist:${data}`, '--json', ...place]);
    expect(evaluated).toMatchObject({ code: 0, stderr: '' });
    const scores = ['loss', 'top1', 'top5', 'count', 'nonFinite', 'bad', 'ece'];
    expect(Object.keys(lastLine(evaluated.stdout))).toEqual(scores);
    expect(lastLine(evaluated.stdout)).toMatchObject({ top1: trained.top1, count: 10, nonFinite: 0 });

    const image = join(data, 'digit.png');
    await writeImage(image, noiseBytes(784), digit);
    const { code, stdout } = await runCli(['predict', checkpoint, image, '--top', '2', '--json', ...place]);
    expect(code).toBe(0);
    const guess = { index: expect.any(Number), label: expect.any(String), probability: expect.any(Number) };
    expect(lastLine(stdout)).toEqual({ image, ...guess, top: [guess, guess] });
  });

  it('say what is taken for what, class by class, over several views', async () => {
    const { args, data, checkpoint } = await job();
    await cli([...args, '--steps', '1', '--quiet']);
    const command = ['evaluate', checkpoint, '--data', `mnist:${data}`, ...place];
    const all = ['--per-class', '--confusion', '--calibration'];
    const { code, stdout } = await cli([...command, ...all, '--tta', 'ten-crop', '--json']);
    expect(code).toBe(0);
    const { confusion, perClass, calibration, ece } = lastLine(stdout);
    expect((confusion as number[][]).flat().reduce((a, b) => a + b)).toBe(10);
    expect(perClass).toHaveLength(10);
    expect(calibration).toMatchObject({ ece });
    const text = (await cli([...command, ...all, '--tta', 'flip'])).stdout;
    expect(text).toMatch(/^class +images +top-1 +precision$/m);
    expect(text.match(/^\d( +\d+){10}$/gm)).toHaveLength(10); // the matrix
    expect(text.match(/^0\.\d\d – [01]\.\d\d +\d+ /gm)).toHaveLength(15);
    expect((await cli([...command, '--tta', 'many'])).code).toBe(2);
  });

  it.each([
    ['a recipe', ['--recipe', 'imagenet-a3', '--model', 'lm_resnet20', '--accumulate', '1']],
    ['choices of test crops', ['--crop-pct', '0.8', '--interpolation', 'bicubic']],
    ['nothing', []],
  ])('look at files as a training would have, with or without images to test on: %s', async (_, more) => {
    const folder = await temporaryFolder();
    await writePhotos(join(folder, 'photos/train'), photosOf(2, 2));
    await writePhotos(join(folder, 'photos/val'), photosOf(2, 1));
    const look = async (data: string): Promise<unknown> => {
      const run = join(folder, `run-${data.replaceAll('/', '-')}`);
      const short = ['--image-size', '72', '--steps', '1', '--batch', '2', '--lr', '0.01', '--quiet'];
      const args = ['train', '--data', `imageFolder:${join(folder, data)}`, '--run', run, ...short, ...more];
      expect(await cli([...args, ...place])).toMatchObject({ code: 0 });
      return (await readCheckpointInfo(join(run, 'checkpoint.safetensors'))).preprocessing;
    };
    expect(await look('photos/train')).toEqual(await look('photos'));
  });

  it('say of how many images the output is not finite', async () => {
    const { args, data, checkpoint } = await job();
    await cli([...args, '--steps', '1', '--quiet']);
    const broken = await loaded(checkpoint);
    await broken.writeTensor('head.fc.bias', new Float32Array(10).fill(Number.NaN));
    await broken.save(checkpoint);
    const command = ['evaluate', checkpoint, '--data', `mnist:${data}`, ...place];
    expect((await cli(command)).stdout).toMatch(
      /^10 images: loss NaN, top-1 0.00 %, top-5 0.00 %, calibration error –; the output for 10 of them is not finite/,
    );
    expect(lastLine((await cli([...command, '--json'])).stdout)).toEqual({
      ...{ loss: null, top1: 0, top5: 0, count: 10, nonFinite: 10, bad: 0, ece: null },
    });
  });

  it('take several images, tell of those that are broken, and go on to exit code 3', async () => {
    const { args, data, checkpoint } = await job();
    await cli([...args, '--steps', '1', '--quiet']);
    const [image, broken] = [join(data, 'digit.png'), join(data, 'broken.png')];
    await writeImage(image, noiseBytes(784), digit);
    await writeFile(broken, (await readFile(image)).subarray(0, 60));
    const all = await cli(['predict', checkpoint, image, image, ...place]);
    expect(all.code).toBe(0);
    expect(all.stdout.match(/^.*digit\.png: .* %, .* %, .* %$/gm)).toHaveLength(2);
    const missing = join(data, 'none.png');
    const some = ['predict', checkpoint, image, broken, missing, image, ...place];
    const lines = (await cli([...some, '--json'])).stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      { image },
      { image: broken, error: { code: 'ERR_IMAGE' } },
      { image: missing, error: { code: 'ERR_FILE' } },
      { image },
    ]);
    const { code, stdout, stderr } = await cli(some);
    expect(code).toBe(3);
    expect(stdout.match(/^.*digit\.png: /gm)).toHaveLength(2);
    expect(stderr.match(/^bad image .*$/gm)).toEqual([
      expect.stringContaining(`${broken}: ERR_IMAGE`),
      expect.stringContaining(`${missing}: ERR_FILE`),
    ]);
    expect(stderr).toContain('2 of 4 images could not be classified');
    expect(await cli(['predict', checkpoint, missing, ...place])).toMatchObject({ code: 3, stdout: '' });
    const train = ['--split', 'train', '--batch', '5', ...place];
    const evaluated = await cli(['evaluate', checkpoint, '--data', `mnist:${data}`, ...train]);
    expect(evaluated.stdout).toMatch(
      /^32 images: loss [\d.]+, top-1 [\d.]+ %, top-5 [\d.]+ %, calibration error [\d.]+ %\n$/,
    );
  });

  it.each(['evaluate', 'predict'])('exit with 3 without a sound checkpoint: %s', async (command) => {
    const { data } = await job();
    const rest = command === 'evaluate' ? ['--data', `mnist:${data}`] : ['digit.png'];
    expect(await cli([command, join(data, 'none'), ...rest, ...place])).toMatchObject({ code: 3 });
    const labels = join(data, 'train-labels-idx1-ubyte');
    expect(await cli([command, labels, ...rest, ...place])).toMatchObject({ code: 3, stdout: '' });
  });
});
