import { join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it, vi } from 'vitest';
import { readCheckpointInfo } from '../../../src/checkpoint/checkpoint.ts';
import { writeSafetensors } from '../../../src/checkpoint/safetensors.ts';
import { addConvert } from '../../../src/cli/commands/convert.ts';
import { preset } from '../../../src/models/presets.ts';
import { torchvisionName } from '../../../src/models/torchvision.ts';
import { codeOf } from '../../support/failures.ts';
import { temporaryFolder } from '../../support/folder.ts';

async function convert(...args: readonly string[]): Promise<string> {
  const said: string[] = [];
  const spy = vi.spyOn(console, 'log').mockImplementation((line: unknown) => void said.push(String(line)));
  const program = new Command().exitOverride();
  addConvert(program);
  try {
    await program.parseAsync(['convert', ...args, '--device', 'cpu'], { from: 'user' });
  } finally {
    spy.mockRestore();
  }
  return said.join('\n');
}

describe('convert', () => {
  it('writes a checkpoint of torchvision’s weights, for as many classes as it is told', async () => {
    const folder = await temporaryFolder();
    const [file, out] = [join(folder, 'theirs.safetensors'), join(folder, 'model.safetensors')];
    const { params, buffers } = preset('resnet18', { classes: 3 });
    const entries = [...params, ...buffers].map(({ path, shape }) => ({
      name: torchvisionName(path),
      dtype: 'F32' as const,
      shape,
      data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
    }));
    await writeSafetensors(file, entries, {});
    const args = [file, '--from-torchvision', 'resnet18', '--out', out];
    expect(await codeOf(convert(...args))).toBe('ERR_CHECKPOINT');
    const said = await convert(...args, '--classes', '3', '--json');
    expect(JSON.parse(said)).toEqual({ checkpoint: out, model: 'resnet18' });
    const { graph, dtype } = await readCheckpointInfo(out);
    expect({ name: graph.name, classes: graph.classes, dtype }).toEqual({
      name: 'resnet18',
      classes: 3,
      dtype: 'float32',
    });
  });

  it('refuses a model that torchvision has not', async () => {
    const work = convert('none', '--from-torchvision', 'lm_resnet20', '--out', 'none');
    expect(await codeOf(work)).toBe('ERR_UNKNOWN_NAME');
  });
});
