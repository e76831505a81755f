/** The modules of the published package in a few files. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dist } from '../support/libtorch.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const script = '../../scripts/release/bundle.mjs';
const { bundle }: { readonly bundle: (dist: string) => Promise<void> } = await import(script);

async function bundled(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lm-resnet-'));
  cpSync(dist, join(folder, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  await bundle(join(folder, 'dist'));
  return folder;
}

describe('the bundle', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await bundled();
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('has what package.json names, in few files, with all declarations and the licence of what is in it', async () => {
    const files = readdirSync(join(folder, 'dist'), { recursive: true }).map(String);
    const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const named = [exports['.'], exports['./client']].flatMap(({ types, default: path }) => [types, path]);
    for (const path of [...named, bin['lm-resnet']]) expect(existsSync(join(folder, path)), path).toBe(true);
    expect(files.filter((file) => file.endsWith('.js')).length).toBeLessThan(10);
    const declared = readdirSync(dist, { recursive: true })
      .map(String)
      .filter((file) => file.endsWith('.d.ts'));
    expect(files.filter((file) => file.endsWith('.d.ts')).toSorted()).toEqual(declared.toSorted());
    expect(readFileSync(join(folder, 'dist', 'chunks', 'zod.LICENSE.txt'), 'utf8')).toContain('MIT License');
    expect(readFileSync(join(folder, 'dist', 'client', 'client.js'), 'utf8')).not.toMatch(/^import /m);
  });

  it('does what the modules do: the same names, errors and commands', async () => {
    const program = (index: string): string => `
      const api = await import(${JSON.stringify(index)});
      const { parameters } = api.summary(api.preset('lm_resnet20')).totals;
      const error = await api.Model.load('/no/such.safetensors').catch((thrown) => thrown);
      console.log(JSON.stringify([Object.keys(api), parameters, api.isLmError(error, 'ERR_FILE'), error.message]));`;
    const node = (...args: string[]): string => execFileSync(process.execPath, args, { encoding: 'utf8' });
    const own = node('--input-type=module', '-e', program(`${dist}index.js`));
    const index = pathToFileURL(join(folder, 'dist', 'index.js')).href;
    expect(node('--input-type=module', '-e', program(index))).toBe(own);
    const cli = (at: string, ...args: string[]): string => node(join(at, 'dist', 'cli', 'main.js'), ...args);
    for (const args of [['--help'], ['train', '--help'], ['info', 'lm_resnet20', '--json']])
      expect(cli(folder, ...args)).toBe(cli(root, ...args));
  });
});
