/** A session: every place of a step is planned. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { network } from '../../../src/models/network.ts';
import { runProgram } from '../../support/children.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { thinNet } from '../../support/graphs/thinNets.ts';

const program = fileURLToPath(new URL('../../../build/Release/lm-check', import.meta.url));

const nets = ['lm_resnet20', 'revnet38', 'fractalnet20', 'shake_shake26_2x32d', 'resnet110_sd'] as const;

describe('a training step', () => {
  it.each([
    ...nets.flatMap((name) =>
      (name === 'revnet38' ? ['store', 'reverse'] : ['store', 'recompute']).map((memory) => ({
        name,
        memory,
        amp: 'none',
      })),
    ),
    { name: 'lm_resnet20', memory: 'store', amp: 'bfloat16' },
    { name: 'lm_resnet20', memory: 'store', amp: 'float16' },
  ] as const)('of $name with $memory and amp $amp leaves no memory taken behind any op', async (one) => {
    const { name, memory, amp } = one;
    const graph = network(thinNet(name));
    const file = join(await temporaryFolder(), 'graph.json');
    await writeFile(file, JSON.stringify(graph.toSpec()));
    const size = String(graph.input.height);
    const { code, stdout, stderr } = await runProgram(program, [
      file,
      '--steps',
      '3',
      '--batch',
      '4',
      '--size',
      size,
      '--memory',
      memory,
      '--amp',
      amp,
      '--lr',
      '0.01',
    ]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).strayBytes).toBe(0);
  });
});
