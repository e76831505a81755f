/**
 * What happens to threads and memory when workers, processes and models end. Each program runs in a process
 * of its own.
 */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../../support/children.ts';
import type { Ended } from '../../support/libtorch.ts';

function run(name: string, ...args: readonly string[]): Promise<Ended> {
  const file = fileURLToPath(new URL(`../../support/programs/${name}.mjs`, import.meta.url));
  return runProgram(process.execPath, ['--expose-gc', file, ...args]);
}

describe('workers', () => {
  it('train two at once with the same result, and end by themselves', async () => {
    const { code, stdout, stderr } = await run('workers');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [first, second] = JSON.parse(stdout);
    expect(first.losses).toHaveLength(20);
    expect(first).toEqual(second);
    expect(first.exit).toBe(0);
  });

  it('can be terminated in the middle of a training, while the main thread goes on', async () => {
    expect(await run('terminate')).toEqual({
      code: 0,
      signal: null,
      stdout: 'the main thread goes on\n',
      stderr: '',
    });
  });
});

describe('a process', () => {
  it.each(['alone', 'worker'])(
    'exits in the middle of a training with the code it asks for (%s)',
    async (who) => {
      expect(await run('exit', who)).toEqual({ code: 7, signal: null, stdout: '', stderr: '' });
    },
  );

  it('ends by itself when jobs that nobody awaits are done', async () => {
    expect(await run('unawaited')).toEqual({ code: 0, signal: null, stdout: '3 steps\n', stderr: '' });
  });

  // One activation of the net (64 images, 16 x 8 x 8, float32) kept per step would be 50 MiB.
  it('does not grow by more than 12 MiB over 200 steps of training', async () => {
    const { code, stdout, stderr } = await run('steps');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(Number(stdout)).toBeLessThan(12);
  });

  // 40 models of 32 MiB, weights and gradients, are 1280 MiB; those that wait for the collector are at most
  // four.
  it('gets the memory of models back that are no longer referenced', async () => {
    const { code, stdout, stderr } = await run('collect');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { rss, external } = JSON.parse(stdout);
    expect(external).toBeLessThan(1);
    expect(rss).toBeLessThan(5 * 32);
  });
});
