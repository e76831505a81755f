import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCheckpointInfo } from '../../../src/checkpoint/checkpoint.ts';
import { preset } from '../../../src/models/presets.ts';
import { cli } from '../../support/cli.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { tinyModel } from '../../support/training.ts';

const place = ['--device', 'cpu', '--threads', '1'];

describe('deepen', () => {
  it('writes a checkpoint of twice the depth, which can be deepened again', async () => {
    const folder = await temporaryFolder();
    const [shallow, deep, deeper] = ['1', '2', '4'].map((name) => join(folder, `${name}.safetensors`));
    await (await tinyModel()).save(shallow ?? '');
    const first = await cli(['deepen', shallow ?? '', '--out', deep ?? '', '--json', ...place]);
    expect(JSON.parse(first.stdout)).toEqual({ checkpoint: deep, model: 'tiny_x2', steps: 7 });
    const second = await cli(['deepen', deep ?? '', '--rule', 'second', '--out', deeper ?? '', ...place]);
    expect(second).toMatchObject({ code: 0, stdout: `${deeper}: tiny_x2_x2, 13 steps of 7\n` });
    expect((await readCheckpointInfo(deeper ?? '')).graph.steps).toHaveLength(13);
  });

  it.each([
    { title: 'a rule that is none', args: ['x', '--rule', 'frist', '--out', 'y'], code: 2, says: '"first"' },
    { title: 'no file to write', args: ['x'], code: 2, says: '--out' },
    { title: 'a file that is missing', args: ['none.safetensors', '--out', 'y'], code: 3, says: 'none' },
  ])('refuses $title', async ({ args, code, says }) => {
    const said = await cli(['deepen', ...args, ...place]);
    expect(said.code).toBe(code);
    expect(said.stderr).toContain(says);
  });

  it('refuses a post-activation net', async () => {
    const file = join(await temporaryFolder(), 'resnet20.safetensors');
    await (await tinyModel({}, preset('resnet20'))).save(file);
    expect(await cli(['deepen', file, '--out', `${file}2`, ...place])).toMatchObject({ code: 2 });
  });
});
