import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Resumable, resumeCommand } from '../../src/cli/resumeCommand.ts';
import { temporaryFolder } from '../support/folder.ts';

/** The words that a shell makes of a command line. */
const words = (command: string): string[] =>
  execFileSync('sh', ['-c', `printf '%s\\n' ${command}`], { encoding: 'utf8' })
    .trimEnd()
    .split('\n');

describe('the command that goes on with a run', () => {
  it.each<[string, Resumable, string[]]>([
    ['run', {}, []],
    ['run', { device: 'cpu' }, ['--device', 'cpu']],
    ['my run', {}, []],
    ["it's $HOME", { libtorch: '/opt/my "torch"' }, ['--libtorch', '/opt/my "torch"']],
  ])('is what a shell takes for it: %s, %o', async (name, given, flags) => {
    const run = join(await temporaryFolder(), name);
    await mkdir(run);
    expect(resumeCommand(run, given)).toBeUndefined();
    await writeFile(join(run, 'checkpoint.safetensors'), '');
    expect(words(resumeCommand(run, given) ?? '')).toEqual(['lm-resnet', 'train', '--resume', run, ...flags]);
  });
});
