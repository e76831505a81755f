/** Convolutions where oneDNN is known to be wrong, and of random shapes. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../../support/children.ts';

const program = fileURLToPath(new URL('../../../build/Release/lm-check-convolutions', import.meta.url));

interface Tried {
  readonly shape: string;
  readonly type: 'Float' | 'BFloat16' | 'Half';
  readonly signal?: number;
  readonly code?: number;
  readonly output?: number;
  readonly x?: number;
  readonly weight?: number;
  readonly bias?: number;
}

/** Of what an element would be if nothing cancelled: sums in float32, and one rounding to a half type. */
const tolerance = { Float: 1e-6, BFloat16: 1.01 * 2 ** -8, Half: 1.01 * 2 ** -11 };

const isRight = ({ type, output = 1, x = 1, weight = 1, bias = 1 }: Tried): boolean =>
  Math.max(output, x, weight, bias) < tolerance[type];

async function run(...words: string[]): Promise<object[]> {
  const { code, stdout, stderr } = await runProgram(program, words);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
}

describe('a convolution and its gradients', () => {
  it.each([
    ['1', 120],
    ['2', 40], // in bfloat16 with a gradient of the weights in it too, where there are tiles
  ])(
    'are those of float64 and touch no memory of others: known faults and shapes of seed %s',
    async (seed, count) => {
      const tried = (await run('--seed', seed, '--count', String(count))) as Tried[];
      expect(tried).toHaveLength(count);
      expect(tried.filter((one) => !isRight(one))).toEqual([]);
    },
  );
});

describe.each([
  ['of an evaluation, with its neighbours,', '--fused', 60, ['avx512', 'avx2', 'any']],
  ['of training, and its gradients,', '--training', 72, ['avx512', 'avx2', 'any']],
  ['of training in bfloat16, and its gradients,', '--tiles', 40, ['amx', 'avx512', 'any']],
] as const)('a convolution %s', (_, option, count, sets) => {
  it.each(sets)(
    'is that of float64 by the loops of %s, with the same bits on any number of threads',
    async (set) => {
      const tried = await run(option, set, '--seed', '1', '--count', String(count));
      if ('absent' in (tried[0] ?? {})) {
        console.warn(`not run: this processor has no ${set}`);
        expect(set).not.toBe('any');
        return;
      }
      expect(tried).toHaveLength(count);
      expect((tried as Tried[]).filter((one) => !isRight(one))).toEqual([]);
    },
  );
});
