import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/errors.ts';
import { cacheFolder, recordFile, storeFolder } from '../../src/setup/cache.ts';
import { examineLibtorch } from '../../src/setup/examine.ts';
import { findLibtorch, libtorchCandidates, libtorchSources } from '../../src/setup/libtorch.ts';
import { platformProblem } from '../../src/setup/platform.ts';
import { libtorchMinors } from '../../src/setup/releases.ts';
import { thrown } from '../support/errors.ts';
import {
  builtMinor,
  elfHeader,
  emptyEnvironment,
  type FakeOptions,
  fakeLibtorch,
  temporaryFolder,
} from '../support/libtorch.ts';

function record(env: NodeJS.ProcessEnv, text: string): void {
  mkdirSync(cacheFolder(env), { recursive: true });
  writeFileSync(recordFile(env), text);
}

/** A `python3` on PATH that answers with a folder of torch. */
function fakePython(env: NodeJS.ProcessEnv, torch: string): void {
  const programs = env.PATH ?? '';
  mkdirSync(programs, { recursive: true });
  writeFileSync(join(programs, 'python3'), `#!/bin/sh\necho '${torch}'\n`, { mode: 0o755 });
}

describe('examineLibtorch', () => {
  const usable: [string, FakeOptions][] = [
    ['a wheel', {}],
    ['a wheel of a later patch', { version: '2.13.2+cu130' }],
    ['the other minor release', { version: '2.14.1' }],
    ['an unpacked libtorch', { versionFile: 'build-version', version: '2.13.0+cpu' }],
    ['one with headers only', { versionFile: 'version.h', version: '2.13.1' }],
  ];
  it.each(usable)('takes %s', (_, options) => {
    const folder = fakeLibtorch(temporaryFolder(), options);
    expect(examineLibtorch(folder)).toMatchObject({ fits: true, folder: { path: folder, flavour: 'cpu' } });
  });

  it.each(['torch', 'libtorch'])('takes the folder that holds %s', (name) => {
    const parent = temporaryFolder();
    const path = fakeLibtorch(join(parent, name));
    expect(examineLibtorch(parent)).toMatchObject({ fits: true, folder: { path } });
  });

  it('sees CUDA, and opens what a library needs before it', () => {
    const names = ['libtorch_cuda.so', 'libc10_cuda.so', 'libtorch_cpu.so', 'libc10.so'];
    const examined = examineLibtorch(fakeLibtorch(temporaryFolder(), { libraries: names }));
    const libraries = examined.fits ? examined.folder.libraries.map((file) => file.split('/').at(-1)) : [];
    expect(examined).toMatchObject({ folder: { flavour: 'cuda' } });
    expect(libraries).toEqual([...names].reverse());
  });

  const refused: [string, string, FakeOptions][] = [
    ['version 2.12', 'version', { version: '2.12.1' }],
    ['version 2.130', 'version', { version: '2.130.0' }],
    ['version 2.16', 'version', { version: '2.16.0+cpu' }],
    [
      'the layout of a system 1.13',
      'version',
      { version: '1.13.1', versionFile: 'version.h', libraries: [] },
    ],
    ['one without libtorch_cpu.so', 'broken', { libraries: ['libc10.so', 'libtorch.so'] }],
    ['one with empty libraries', 'broken', { content: Buffer.alloc(0) }],
    ['one whose libraries are text', 'broken', { content: Buffer.from('version of a large file'.repeat(9)) }],
    ['one for another processor', 'broken', { content: elfHeader(process.arch === 'x64' ? 'arm64' : 'x64') }],
    ['one that names no version', 'broken', { versionFile: 'none' }],
  ];
  it.each(refused)('refuses %s', (_, fault, options) => {
    const folder = fakeLibtorch(temporaryFolder(), options);
    expect(examineLibtorch(folder)).toMatchObject({ fits: false, fault });
  });

  it('refuses a file and what does not exist', () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    expect(examineLibtorch(file)).toMatchObject({ fits: false, fault: 'missing' });
    expect(examineLibtorch(`${file}-not`)).toMatchObject({ fits: false, fault: 'missing' });
    expect(examineLibtorch(join(file, 'below'))).toMatchObject({ fits: false, fault: 'missing' });
  });
});

describe('findLibtorch', () => {
  /** A folder for each source, all usable; sources in `named` name theirs. */
  function world(named: readonly string[]): { env: NodeJS.ProcessEnv; libtorch?: string } {
    const root = temporaryFolder();
    const env = emptyEnvironment(root);
    const folders = libtorchSources.map((source) => fakeLibtorch(join(root, source)));
    const [init = '', own = '', common = '', setup = '', python = ''] = folders;
    if (named.includes('LM_RESNET_LIBTORCH')) env.LM_RESNET_LIBTORCH = own;
    if (named.includes('LIBTORCH')) env.LIBTORCH = common;
    if (named.includes('setup')) record(env, JSON.stringify({ path: setup }));
    if (named.includes('python')) fakePython(env, python);
    return named.includes('init') ? { env, libtorch: init } : { env };
  }

  it.each(libtorchSources.map((source, i) => [source, libtorchSources.slice(i)] as const))(
    'takes %s before those that follow it',
    (source, named) => expect(findLibtorch(world(named)).source).toBe(source),
  );

  it('takes an empty variable for an unset one', () => {
    const { env } = world(['setup']);
    expect(findLibtorch({ env: { ...env, LIBTORCH: '' } }).source).toBe('setup');
  });

  it('lists every candidate when there is none', () => {
    const env = emptyEnvironment(temporaryFolder());
    const { code, text } = thrown(() => findLibtorch({ env }));
    expect(code).toBe('ERR_LIBTORCH_NOT_FOUND');
    for (const name of ['init(', 'LM_RESNET_LIBTORCH', ' LIBTORCH', 'setup', 'Python'])
      expect(text).toContain(name);
  });

  const wrong: [string, FakeOptions, ErrorCode][] = [
    ['another version', { version: '2.12.0' }, 'ERR_LIBTORCH_VERSION'],
    ['a missing library', { libraries: ['libc10.so'] }, 'ERR_LIBTORCH_NOT_FOUND'],
  ];
  it.each(wrong)('does not pass over a folder that was named and has %s', (_, options, code) => {
    const { env } = world(['setup', 'python']);
    const folder = fakeLibtorch(temporaryFolder(), options);
    expect(thrown(() => findLibtorch({ env, libtorch: folder }))).toMatchObject({ code });
    for (const name of ['LM_RESNET_LIBTORCH', 'LIBTORCH']) {
      const found = thrown(() => findLibtorch({ env: { ...env, [name]: folder } }));
      expect(found).toMatchObject({ code, text: expect.stringContaining(name) });
      expect(found.text).toContain(folder);
    }
  });

  const torn = ['', '{"path": "/somewh', '[]', 'null', '{"path": 3}', '{"path": "/does/not/exist"}'];
  it.each(torn)('goes on to Python when the record is %j', (text) => {
    const { env } = world(['python']);
    record(env, text);
    expect(findLibtorch({ env }).source).toBe('python');
  });

  it('takes an installed one that fits where the recorded one is for another addon', () => {
    const { env } = world(['setup']);
    const store = storeFolder(env);
    const [other = ''] = libtorchMinors.filter((minor) => minor !== builtMinor);
    record(env, JSON.stringify({ path: fakeLibtorch(temporaryFolder(), { version: `${other}.0` }) }));
    const fitting = fakeLibtorch(join(store, `${builtMinor}.0-cpu`));
    const minors = [builtMinor];
    expect(thrown(() => findLibtorch({ env, minors })).text).toContain(`${other}.0`);
    writeFileSync(join(fitting, '.lm-resnet-complete.json'), '{}');
    expect(findLibtorch({ env, minors })).toMatchObject({ source: 'setup', path: fitting });
    expect(findLibtorch({ env, minors: [other] }).version).toBe(`${other}.0`);
  });

  it('gives every candidate its verdict', () => {
    const { env, libtorch } = world(['init', 'LIBTORCH', 'python']);
    const verdicts = libtorchCandidates({ env, libtorch }).map(({ source, refused }) => [
      source,
      refused === null,
    ]);
    expect(Object.fromEntries(verdicts)).toEqual({
      init: true,
      LM_RESNET_LIBTORCH: false,
      LIBTORCH: true,
      setup: false,
      python: true,
    });
  });
});

describe('platformProblem', () => {
  it.each([
    ['linux', '2.28', true],
    ['linux', '2.36', true],
    ['linux', '3.0', true],
    ['linux', '2.27', false],
    ['linux', null, false],
    ['win32', null, false],
  ])('on %s with glibc %s says whether libtorch runs: %s', (platform, glibc, runs) => {
    expect(platformProblem(platform, glibc) === null).toBe(runs);
  });
});
