/** The program behind docs/results.md. */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Model, network, presetConfig } from '../../src/index.ts';
import { type ChildOptions, runProgram } from '../support/children.ts';
import { writeDigits } from '../support/files/idx.ts';
import { temporaryFolder } from '../support/folder.ts';

const program = fileURLToPath(new URL('../../scripts/results.mjs', import.meta.url));

/** Runs the program in a folder of its own files. */
function results(folder: string, flags: readonly string[], onStderr?: ChildOptions['onStderr']) {
  const files = ['--out', join(folder, 'results.jsonl'), '--picture', join(folder, 'k.svg')];
  return runProgram(process.execPath, [program, ...files, ...flags], onStderr && { onStderr });
}

/** A line of the file of results. */
function line(net: string, depth: number, seed: number, top1: number, k: Record<string, number> = {}) {
  return `${JSON.stringify({ net, depth, seed, epochs: 1, steps: null, top1, testLoss: 0.5, k })}\n`;
}

/** A network of the comparison, as the program makes it. */
function netOf(name: 'lm_resnet20' | 'preact_resnet20', steps: number) {
  const config = presetConfig(name, { input: [1, 28, 28] });
  return network({ ...config, name: 'twin', stages: config.stages.map((stage) => ({ ...stage, steps })) });
}

describe('the networks that are compared', () => {
  it('are one and the same at depth 8, where no step has a k', () => {
    const [lm, twin] = [netOf('lm_resnet20', 1).toSpec(), netOf('preact_resnet20', 1).toSpec()];
    expect({ ...lm, steps: [] }).toEqual({ ...twin, steps: [] });
  });

  it('start from equal weights, k aside', async () => {
    await using lm = await Model.create(netOf('lm_resnet20', 2), { seed: 3 });
    await using twin = await Model.create(netOf('preact_resnet20', 2), { seed: 3 });
    for (const { path } of twin.graph.toSpec().params)
      expect(await lm.readTensor(path), path).toEqual(await twin.readTensor(path));
    expect(lm.graph.toSpec().params.length).toBe(twin.graph.toSpec().params.length + 3);
  });
});

describe('scripts/results.mjs', () => {
  it('trains what is not in the file yet, and cuts off a line that was not finished', async () => {
    const folder = await temporaryFolder();
    const data = await writeDigits(join(folder, 'data'), { train: 128 });
    const file = join(folder, 'results.jsonl');
    const flags = ['--data', data, '--depths', '14', '--steps', '1'];
    expect(await results(folder, [...flags, '--seeds', '1'])).toMatchObject({ code: 0 });
    const first = await readFile(file, 'utf8');
    expect(first.trim().split('\n')).toHaveLength(2);
    await appendFile(file, '{"net":"LM-Res');
    const again = await results(folder, [...flags, '--seeds', '1,2']);
    expect(again.stderr.match(/seed \d/g)).toEqual(['seed 2', 'seed 2']);
    const text = await readFile(file, 'utf8');
    expect(text.startsWith(first)).toBe(true);
    expect(
      text
        .trim()
        .split('\n')
        .map((row) => JSON.parse(row).seed),
    ).toEqual([1, 1, 2, 2]);
    expect(await readFile(join(folder, 'k.svg'), 'utf8')).toContain('LM-ResNet-14');
  });

  it('ends at Ctrl-C, and keeps what was finished', async () => {
    const folder = await temporaryFolder();
    const data = await writeDigits(join(folder, 'data'), { train: 128 });
    const flags = ['--data', data, '--depths', '14', '--seeds', '0,1,2', '--steps', '1'];
    let sent = false; // a second one would end the program at once
    const stopped = await results(folder, flags, (text, kill) => {
      if (!sent && text.includes('seed 0')) kill('SIGINT');
      sent = text.includes('seed 0');
    });
    expect(stopped.code).toBe(130);
    const rows = (await readFile(join(folder, 'results.jsonl'), 'utf8')).trim().split('\n');
    expect(rows.map((row) => JSON.parse(row).seed)).toContain(0);
    expect(rows.length).toBeLessThan(6);
  });

  it('compares seed by seed, and says the spread of the differences', async () => {
    const folder = await temporaryFolder();
    const rows = [
      line('LM-ResNet', 14, 0, 0.9, { 'stage1.step1.k': -0.25 }),
      line('ResNet', 14, 0, 0.88),
      line('ResNet', 14, 2, 0.1), // a seed that only one has
      line('LM-ResNet', 14, 1, 0.89, { 'stage1.step1.k': -0.75 }),
      line('ResNet', 14, 1, 0.89),
      line('ResNet', 20, 1, 0.9),
    ];
    await writeFile(join(folder, 'results.jsonl'), rows.join(''));
    const { stdout } = await results(folder, ['--report']);
    // Differences 2 and 0 points: mean 1, deviation √2; k: mean -0.5, deviation √(2 · 0.25²).
    expect(stdout).toContain('| LM-ResNet-14 − ResNet-14 | 2 | +1.00 ± 1.41 | 0: +2.00, 1: +0.00 |');
    expect(stdout).toContain('| LM-ResNet-14 − ResNet-20 | 1 | −1.00 | 1: −1.00 |');
    expect(stdout).toContain('| 14 | stage1.step1 | −0.500 ± 0.354 | 0: −0.250, 1: −0.750 |');
    expect(stdout).toMatch(/\| LM-ResNet-14 \| [\d,]+ \| 2 \| 89\.50 ± 0\.71 \|/);
  });

  it.each([
    ['no folder of data', []],
    ['a depth without k', ['--data', 'x', '--depths', '8']],
    ['seeds that are none', ['--data', 'x', '--seeds', 'a']],
    ['nothing to report', ['--report']],
  ])('refuses %s', async (_, flags) => {
    const { code, stdout } = await results(await temporaryFolder(), flags);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });
});
