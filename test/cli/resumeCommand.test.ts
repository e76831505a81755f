import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Resumable, resumeCommand } from '../../src/cli/resumeCommand.ts';
import { temporaryFolder } from '../support/folder.ts';

describe('the command that goes on with a run', () => {
  it.each<[Resumable, string]>([
    [{ data: 'mnist:data' }, '--data mnist:data'],
    [{ data: 'mnist:my data', device: 'cpu' }, "--data 'mnist:my data' --device cpu"],
    [{ data: "mnist:it's", test: { kind: 'mnist' } }, `--data 'mnist:it'\\''s' --test '{"kind":"mnist"}'`],
    [{ data: 'webDataset:a{0..3}.tar' }, "--data 'webDataset:a{0..3}.tar'"],
  ])('has what a shell needs: %o', async (given, flags) => {
    const run = await temporaryFolder();
    expect(resumeCommand(run, given)).toBeUndefined();
    await writeFile(join(run, 'checkpoint.safetensors'), '');
    expect(resumeCommand(run, given)).toBe(`lm-resnet train --resume ${run} ${flags}`);
  });
});
