/** lm-check, the core without Node: what it takes, and what it prints. */
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { network } from '../../../src/models/network.ts';
import { runProgram } from '../../support/children.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { thinNet } from '../../support/graphs/thinNets.ts';

const program = fileURLToPath(new URL('../../../build/Release/lm-check', import.meta.url));
const graph = network(thinNet('lm_resnet20'));

interface Output {
  readonly losses: readonly number[];
  readonly milliseconds: readonly number[];
}

async function write(): Promise<string[]> {
  const file = join(await temporaryFolder(), 'graph.json');
  await writeFile(file, JSON.stringify(graph.toSpec()));
  return [file, '--batch', '4', '--size', '16', '--lr', '0.01'];
}

async function losses(...words: string[]): Promise<readonly number[]> {
  const { stdout, stderr } = await runProgram(program, [...(await write()), ...words]);
  expect(stderr).toBe('');
  return (JSON.parse(stdout) as Output).losses;
}

describe('lm-check', () => {
  it('answers every line with as many steps, which go on where those before ended', async () => {
    const words = [...(await write()), '--steps', '2', '--turns'];
    const lines = execFileSync(program, words, { input: '\n\n', encoding: 'utf8' }).trim().split('\n');
    const turns = lines.map((line) => JSON.parse(line) as Output);
    expect(turns.map(({ milliseconds }) => milliseconds.length)).toEqual([2, 2]);
    expect(turns.flatMap((turn) => turn.losses)).toEqual(await losses('--steps', '4'));
  });

  it('writes its weights, pixels and labels for other programs', async () => {
    const folder = await temporaryFolder();
    await losses('--steps', '0', '--write', folder);
    const [weights, pixels, labels] = await Promise.all(
      ['weights', 'pixels', 'labels'].map((name) => readFile(join(folder, name))),
    );
    const numbers = graph.params.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(weights?.byteLength).toBe(4 * numbers);
    expect(pixels?.byteLength).toBe(4 * 4 * 16 * 16 * graph.input.channels);
    expect(labels?.byteLength).toBe(8 * 4 * 4);
  });

  it('has losses that passes over the plan change by rounding alone', async () => {
    const { stdout } = await runProgram(program, ['--switches']);
    const names = JSON.parse(stdout) as string[];
    expect(names).toContain('fuse');
    const right = await losses('--dtype', 'float64');
    for (const off of [...names, names.join()])
      for (const [i, loss] of (await losses('--dtype', 'float64', '--off', off)).entries())
        expect(Math.abs(loss - (right[i] ?? 0)), off).toBeLessThan(1e-11);
  });

  it('adds states up in bfloat16 without wide-states, in mixed precision alone', async () => {
    const off = ['--off', 'wide-states'];
    expect(await losses(...off)).toEqual(await losses());
    const wide = await losses('--amp', 'bfloat16');
    const half = await losses('--amp', 'bfloat16', ...off);
    expect(half).not.toEqual(wide);
    for (const [i, loss] of half.entries()) expect(Math.abs(loss - (wide[i] ?? 0))).toBeLessThan(0.02);
  });

  it.each([
    ['--optimizer', 'adamw'],
    ['--optimizer', 'lars'],
    ['--optimizer', 'lamb'],
    ['--nesterov'],
    ['--momentum', '0'],
    ['--weight-decay', '0.1'],
    ['--amp', 'bfloat16'],
  ])('trains otherwise with %s %s', async (...words) => {
    const [first, second] = [await losses(), await losses(...words)];
    expect(second).toHaveLength(first.length);
    expect(second).not.toEqual(first);
  });

  it.each([
    [['--steps', 'many'], 'Expected an integer for --steps but received many'],
    [['--steps', '1.5'], 'Expected an integer for --steps but received 1.5'],
    [['--batch', '0'], 'Expected 1 or more for --batch but received 0'],
    [['--lr', ''], 'Expected a number for --lr but received nothing'],
    [['--amp', 'half'], 'Expected one of none, bfloat16, float16 for --amp but received half'],
    [['--optimizer', 'sgb'], 'Expected one of sgd, adamw, lars, lamb for --optimizer but received sgb'],
    [['--off', 'fuze'], 'Expected passes for --off but received fuze'],
    [['--stepz', '1'], 'Unknown option --stepz'],
    [['--steps'], 'Expected a value behind --steps'],
    [['other.json'], 'Expected one graph but received other.json too'],
  ])('refuses %j', async (words, message) => {
    const { code, stdout, stderr } = await runProgram(program, [...(await write()), ...words]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`ERR_CONFIG: ${message}`);
  });
});
