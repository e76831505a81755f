import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeImage } from '../../src/images/writeImage.ts';
import { cli } from '../support/cli.ts';
import { digit, job, lastLine, place } from '../support/job.ts';
import { noiseBytes } from '../support/noise.ts';
import { loaded } from '../support/training.ts';

describe('--weights ema', () => {
  it('classifies with the average of a run, and starts from it', async () => {
    const { args, data, checkpoint, run } = await job();
    await cli([...args, '--steps', '4', '--lr', '0.1', '--model-ema', '--model-ema-decay', '0.9', '--quiet']);
    const image = join(data, 'digit.png');
    await writeImage(image, noiseBytes(784), digit);
    const model = await loaded(checkpoint);
    const said = async (weights: readonly string[]): Promise<unknown> => {
      const { stdout } = await cli([
        'predict',
        checkpoint,
        image,
        ...weights,
        '--top',
        '1',
        '--json',
        ...place,
      ]);
      return lastLine(stdout).probability;
    };
    for (const weights of ['value', 'ema'] as const) {
      const [found] = await model.predict(image, { weights, topK: 1 });
      expect(await said(['--weights', weights])).toBe(found?.probability);
    }
    expect(await said([])).not.toBe(await said(['--weights', 'ema']));

    const next = join(run, '../next');
    const from = [
      'train',
      '--from',
      checkpoint,
      '--weights',
      'ema',
      '--data',
      `mnist:${data}`,
      '--run',
      next,
    ];
    const { code } = await cli([
      ...from,
      '--batch',
      '16',
      '--steps',
      '1',
      '--keep-last',
      '9',
      '--quiet',
      ...place,
    ]);
    expect(code).toBe(0);
    const start = await loaded(join(next, 'checkpoint-0.safetensors'));
    const path = 'head.fc.weight';
    expect(await start.readTensor(path)).toEqual(await model.readTensor(path, 'ema'));
  });

  it.each([
    { title: 'of a checkpoint without an average', command: (path: string) => ['predict', path, 'x.png'] },
    { title: 'to start from, there too', command: (path: string) => ['train', '--from', path] },
    { title: 'without a checkpoint to start from', command: () => ['train'] },
    { title: 'of a run that is resumed', command: (path: string) => ['train', '--resume', path] },
  ])('is refused: $title', async ({ command }) => {
    const { args, data, checkpoint } = await job();
    await cli([...args, '--steps', '1', '--quiet']);
    const given = command(checkpoint);
    const set = given[0] === 'train' ? ['--data', `mnist:${data}`] : [];
    const { code, stdout } = await cli([...given, ...set, '--weights', 'ema', '--json', ...place]);
    expect({ code, ...lastLine(stdout) }).toMatchObject({ code: 2, error: { code: 'ERR_CONFIG' } });
  });
});
