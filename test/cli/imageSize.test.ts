/** `--image-size` for pixels in memory, which have a size of their own. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCheckpointInfo } from '../../src/checkpoint/checkpoint.ts';
import { loadDataset } from '../../src/data/datasets.ts';
import { evaluateInDetail } from '../../src/evaluate/evaluateInDetail.ts';
import { cli } from '../support/cli.ts';
import { job, lastLine, place } from '../support/job.ts';
import { loaded } from '../support/training.ts';

const resize = expect.objectContaining({ kind: 'resize', size: [20, 20] });

/** The transforms of the images to train and to test on, and the size of the network. */
async function trained(more: readonly string[]): Promise<{ train: unknown; test: unknown; side: number }> {
  const { args, run, checkpoint } = await job();
  expect(await cli([...args, '--steps', '1', '--lr', '0.01', '--quiet', ...more])).toMatchObject({ code: 0 });
  const { data } = JSON.parse(await readFile(join(run, 'settings.json'), 'utf8'));
  const { graph } = await readCheckpointInfo(checkpoint);
  return { train: data.train.transform, test: data.test.transform, side: graph.input.height };
}

describe('--image-size for pixels in memory', () => {
  it('may be said by the transform of the data set, which what is tested on follows', async () => {
    const { data, run, checkpoint, args } = await job();
    const set = { kind: 'mnist', path: data, transform: [{ kind: 'resize', size: [20, 20] }] };
    const given = args.map((arg) => (arg === `mnist:${data}` ? JSON.stringify(set) : arg));
    expect(await cli([...given, '--steps', '1', '--lr', '0.01', '--quiet'])).toMatchObject({ code: 0 });
    expect((await readCheckpointInfo(checkpoint)).graph.input).toMatchObject({ height: 20, width: 20 });
    const used = JSON.parse(await readFile(join(run, 'settings.json'), 'utf8'));
    expect([used.data.train.sizes, used.data.test.sizes]).toEqual([[[20, 20]], [[20, 20]]]);
    const { loss } = JSON.parse(await readFile(join(run, 'evaluation.json'), 'utf8'));
    const said = await cli(['evaluate', run, '--data', `mnist:${data}`, '--json', ...place]);
    expect(lastLine(said.stdout)).toMatchObject({ loss });
  });

  it.each([
    { title: 'another size', more: ['--image-size', '20'], train: [resize], test: [resize], side: 20 },
    { title: 'their own', more: ['--image-size', '28'], train: [], test: [], side: 28 },
    { title: 'none', more: [], train: [], test: [], side: 28 },
    {
      title: 'another, before the crops of a recipe',
      more: ['--image-size', '20', '--recipe', 'lm-cifar10', '--model', 'lm_resnet20', '--batch', '16'],
      train: [resize, expect.objectContaining({ kind: 'randomCrop', size: 20 }), expect.anything()],
      test: [resize],
      side: 20,
    },
  ])('is the size of the network and of all images: $title', async ({ more, train, test, side }) => {
    expect(await trained(more)).toEqual({ train, test, side });
  });

  it('holds in evaluations of the same data set, and a note says so', async () => {
    const { args, data, run, checkpoint } = await job();
    await cli([...args, '--steps', '2', '--lr', '0.01', '--quiet', '--image-size', '20']);
    const said = await cli(['evaluate', checkpoint, '--data', `mnist:${data}`, '--json', ...place]);
    expect(said).toMatchObject({ code: 0, stderr: expect.stringContaining('resized to 20 x 20') });
    const { loss, top1 } = JSON.parse(await readFile(join(run, 'evaluation.json'), 'utf8'));
    expect(lastLine(said.stdout)).toMatchObject({ loss, top1 });
    const digits = await loadDataset('mnist', data, 'test');
    const model = await loaded(checkpoint);
    expect((await evaluateInDetail(model, digits)).loss).toBe(loss);
    const analyzed = ['analyze', checkpoint, '--data', `mnist:${data}`, '--count', '2', '--json', ...place];
    expect(await cli(analyzed)).toMatchObject({ code: 0 });
  });
});
