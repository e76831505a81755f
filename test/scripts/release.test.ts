/** The scripts that make the published packages. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/libtorch.ts';

interface BinaryScript {
  binariesIn(folder: string): string[];
  floorsOf(files: readonly string[]): { glibc: string; glibcxx?: string };
}

const script = (name: string): string =>
  fileURLToPath(new URL(`../../scripts/release/${name}`, import.meta.url));
const { binariesIn, floorsOf }: BinaryScript = await import(script('binary.mjs'));

/** A shared library of C text, linked with more arguments. */
function library(source: string, ...args: string[]): string {
  const file = join(temporaryFolder(), 'lm_resnet.so');
  execFileSync(
    process.env.CC ?? 'cc',
    ['-shared', '-fPIC', '-x', 'c', '-', '-x', 'none', '-o', file, ...args],
    { input: source },
  );
  return file;
}

describe('floorsOf', () => {
  const memcpy = '#include <string.h>\nvoid lm_copy(void *a, void *b, unsigned long n) { memcpy(a, b, n); }';

  it('is the newest version among the symbols that are imported', () => {
    // memcpy is GLIBC_2.14 on x86-64 and GLIBC_2.17 on arm64.
    const expected = process.arch === 'x64' ? '2.14' : '2.17';
    expect(floorsOf([library(memcpy, '-s', '-O0', '-fno-builtin', '-lc')])).toMatchObject({
      glibc: expected,
    });
  });

  it.each<[string, string, string[], RegExp]>([
    ['is not stripped', memcpy, ['-lc'], /not stripped/],
    [
      'shows a codec to others',
      'int png_create_read_struct(void) { return 1; }',
      ['-s'],
      /codecs.*png_create/,
    ],
  ])('refuses a binary that %s', (_, source, args, text) => {
    expect(() => floorsOf([library(source, ...args)])).toThrow(text);
  });

  it('refuses a binary that needs a library which a machine may lack', () => {
    const other = library('int lm_other;', '-Wl,-soname,libjpeg.so.62');
    expect(() => floorsOf([library(memcpy, '-s', '-Wl,--no-as-needed', other)])).toThrow(
      /needs libjpeg\.so\.62/,
    );
  });
});

describe('binariesIn', () => {
  it('refuses a folder that lacks one of the two', () => {
    const folder = join(temporaryFolder(), 'prebuilds');
    mkdirSync(folder);
    writeFileSync(join(folder, 'opener.node'), '');
    expect(() => binariesIn(folder)).toThrow(/No prebuilt binary: .*lm_resnet\.so/);
  });
});

describe('npm pack in the root folder', () => {
  it.each([
    ['is refused, for it would have no binary', undefined, 1],
    ['may be tried', 'true', 0],
  ])('%s', (_, dryRun, status) => {
    const env = { ...process.env, npm_config_dry_run: dryRun };
    expect(spawnSync(process.execPath, [script('prepack.mjs')], { env })).toMatchObject({ status });
  });
});
