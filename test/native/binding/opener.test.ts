import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveOpener } from '../../../src/setup/binaries.ts';
import { findLibtorch } from '../../../src/setup/libtorch.ts';
import { askNode, stubLibrary, temporaryFolder } from '../../support/libtorch.ts';

/** Runs text with the opener as `opener` in a child process. */
function withOpener(program: string, env: NodeJS.ProcessEnv = {}): Promise<unknown> {
  const load = "import { createRequire } from 'node:module';\n";
  const file = JSON.stringify(resolveOpener());
  return askNode(`${load}const opener = createRequire(import.meta.url)(${file});\n${program}`, env);
}

const open = (...paths: unknown[]): Promise<unknown> =>
  withOpener(`answer(opener.open(${JSON.stringify(paths)}));`);

describe('the opener', () => {
  it('answers for a missing file with the text of the linker', async () => {
    expect(await open('/does/not/exist.so')).toContain('/does/not/exist.so');
  });

  it('answers for a file that is no library', async () => {
    const file = join(temporaryFolder(), 'libc10.so');
    for (const content of ['', 'text'.repeat(100)]) {
      writeFileSync(file, content);
      expect(await open(file)).toContain(file);
    }
  });

  it('answers for a folder, a relative path and an empty one', async () => {
    expect(await open('/')).toEqual(expect.any(String));
    expect(await open('libc10.so')).toContain('absolute');
    expect(await open('')).toContain('absolute');
  });

  it.each(['', 'null', '3', '"/lib.so"', '[3]', '[{}]', '[undefined]', 'new Array(2)'])(
    'answers for the wrong argument %s',
    async (text) => expect(await withOpener(`answer(opener.open(${text}));`)).toEqual(expect.any(String)),
  );

  it('opens nothing for an empty list, and then has nothing loaded', async () => {
    expect(await withOpener('answer([opener.open([]), opener.loaded()]);')).toEqual([null, []]);
  });

  it('names every libtorch that is loaded, also of other versions', async () => {
    const folder = temporaryFolder();
    const files = ['libc10.so', 'libtorch_cpu.so.1.13'].map((name) => stubLibrary(join(folder, name), name));
    const other = stubLibrary(join(folder, 'libother.so'), 'libother.so');
    const answer = await withOpener(`
      const problem = opener.open(${JSON.stringify([...files, other])});
      answer([problem, opener.loaded()]);`);
    expect(answer).toEqual([null, files]);
  });

  it('opens libtorch by its path, whatever LD_LIBRARY_PATH holds', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'lookalike'));
    for (const name of ['libc10.so', 'libtorch_cpu.so', 'libtorch.so']) {
      stubLibrary(join(folder, 'lookalike', name), name);
    }
    const { libraries } = findLibtorch();
    const answer = await withOpener(`answer([opener.open(${JSON.stringify(libraries)}), opener.loaded()]);`, {
      LD_LIBRARY_PATH: join(folder, 'lookalike'),
    });
    expect(answer).toEqual([null, libraries.filter((file) => /lib(c10|torch_cpu)\.so$/.test(file))]);
  });
});
