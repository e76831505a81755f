import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli } from '../../support/cli.ts';
import { temporaryFolder } from '../../support/folder.ts';

/** What bash proposes for the last of these words. */
async function proposals(words: readonly string[]): Promise<string[]> {
  const script = join(await temporaryFolder(), 'completion.bash');
  await writeFile(script, (await cli(['completion', 'bash'])).stdout);
  const list = words.map((word) => `'${word}'`).join(' ');
  const ask = `compopt() { :; }; . "$1"; COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _lm_resnet`;
  const show = 'printf "%s\\n" "${' + 'COMPREPLY[@]}"';
  const out = execFileSync('bash', ['-c', `${ask}; ${show}`, 'bash', script], { encoding: 'utf8' });
  return out.split('\n').filter((word) => word !== '');
}

describe('the completion of bash', () => {
  it.each([
    { words: ['lm-resnet', 'ev'], found: ['evaluate'] },
    { words: ['lm-resnet', 'find-'], found: ['find-lr', 'find-batch'] },
    { words: ['lm-resnet', 'train', '--layer-d'], found: ['--layer-decay'] },
    { words: ['lm-resnet', 'evaluate', 'a.safetensors', '--tta', 't'], found: ['ten-crop'] },
    { words: ['lm-resnet', 'train', '--loss', ''], found: ['crossEntropy', 'bce'] },
    { words: ['lm-resnet', 'predict', '--dtype', 'float3'], found: ['float32'] },
    { words: ['lm-resnet', 'train', '--data', ''], found: [] },
    { words: ['lm-resnet', 'data', ''], found: ['preview', 'check'] },
    { words: ['lm-resnet', 'data', 'check', '--wor'], found: ['--workers'] },
    { words: ['lm-resnet', 'nothing', '--'], found: [] },
  ])('of $words proposes $found', async ({ words, found }) => {
    expect(await proposals(words)).toEqual(found);
  });
});

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('knows every command and flag: %s', async (shell) => {
    const { code, stdout } = await cli(['completion', shell]);
    expect(code).toBe(0);
    const help = (await cli(['--help'])).stdout;
    const commands = [...help.matchAll(/^ {2}([a-z][a-z-]*) /gm)].map(([, name]) => name ?? '');
    expect(commands).toContain('completion');
    for (const name of commands.filter((command) => command !== 'help')) expect(stdout).toContain(name);
    const flag = shell === 'fish' ? '-l layer-decay' : '--layer-decay';
    expect(stdout).toContain(flag);
    expect(stdout).not.toContain('no-nesterov'); // hidden in the help too
  });

  it('exits with 2 for another shell', async () => {
    expect((await cli(['completion', 'cmd'])).code).toBe(2);
  });
});

describe('the help of every command', () => {
  it('has examples and ends with 0', async () => {
    const { stdout } = await cli(['completion', 'fish']);
    const commands = [...stdout.matchAll(/__fish_use_subcommand -f -a (\S+)/g)].map(([, name]) => name ?? '');
    expect(commands.length).toBeGreaterThan(12);
    for (const name of commands) {
      const help = await cli([name, '--help']);
      expect(help.code, name).toBe(0);
      expect(help.stdout, name).toMatch(/Examples?:\n[\s\S]*lm-resnet /);
    }
  });
});
