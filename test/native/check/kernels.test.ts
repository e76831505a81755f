/** Kernels of CUDA devices, by the host thread by thread and compiled where nvcc is; norms of the CPU. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../../support/children.ts';

const hasCompiler = spawnSync('nvcc', ['--version']).status === 0;
if (!hasCompiler) console.warn('not run: the compile for CUDA devices; this machine has no nvcc');
const build = fileURLToPath(new URL('../../../scripts/build.mjs', import.meta.url));
const program = fileURLToPath(new URL('../../../build/Release/lm-check-kernels', import.meta.url));

interface Found {
  readonly kernel: string;
  readonly type: 'Float' | 'Double' | 'Half' | 'BFloat16';
  readonly shape: string;
  /** As a share of what the numbers would be if nothing cancelled; null where one of them is not finite. */
  readonly error: number | null;
}

/** Sums are in float32 but for float64; half types are rounded once, to nearest. */
const tolerance = { Double: 1e-12, Float: 4e-6, Half: 1.02 * 2 ** -11, BFloat16: 1.02 * 2 ** -8 };
/** Whatever the type is: bits and draws are the same ones. */
const exact = ['numbers', 'norm again: the same bits', 'boxes exchanged', 'dropout'];

const isRight = ({ kernel, type, error }: Found): boolean =>
  error !== null && (exact.includes(kernel) ? error === 0 : error < tolerance[type]);

async function run(...words: string[]): Promise<readonly Found[]> {
  const { code, stdout, stderr } = await runProgram(program, ['--seed', '1', ...words]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Found);
}

it('norms and combinations of the processor give what float64 gives, in every type that has loops', async () => {
  const all = await run('--count', '120', '--of', 'cpu');
  const found = all.filter(({ type }) => type !== 'Half'); // which is libtorch's
  expect(new Set(found.map(({ kernel }) => kernel)).size).toBeGreaterThan(10);
  expect(new Set(found.map(({ type }) => type)).size).toBe(3);
  expect(found.filter((one) => !isRight(one))).toEqual([]);
});

describe('the kernels of CUDA devices', () => {
  it('give what float64 gives, within their bounds and with no race, when the host runs every thread', async () => {
    const found = await run('--count', '40');
    expect(new Set(found.map(({ kernel }) => kernel)).size).toBeGreaterThan(36);
    expect(new Set(found.map(({ type }) => type)).size).toBe(4);
    expect(found.filter((one) => !isRight(one))).toEqual([]);
  });

  it.skipIf(!hasCompiler)(
    'compile for every kind of device where nvcc is',
    { timeout: 300_000 },
    async () => {
      const { code, stderr } = await runProgram(process.execPath, [build, '--cuda', '--quiet']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    },
  );
});
