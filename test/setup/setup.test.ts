import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, isLmError } from '../../src/errors.ts';
import { cacheFolder, readRecord } from '../../src/setup/cache.ts';
import { findLibtorch } from '../../src/setup/libtorch.ts';
import { minorOf } from '../../src/setup/releases.ts';
import { removeLibtorch } from '../../src/setup/remove.ts';
import { runCli } from '../support/children.ts';
import {
  dist,
  fakeLibtorch,
  linkedLibtorch,
  runNode,
  stubLibtorch,
  temporaryFolder,
} from '../support/libtorch.ts';
import { world } from './madeUpPython.ts';

async function codeOf(promise: Promise<unknown>): Promise<ErrorCode | 'none'> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    if (isLmError(error)) return error.code;
    throw error;
  }
}

const noRelease = 'echo "ERROR: No matching distribution found" >&2; exit 1';

const requirementsOf = (command: string): string => basename(command);

describe('setupLibtorch', () => {
  it('only says what it would do in a dry run', async () => {
    const { setup, calls, store, env } = world();
    const { commands, installed } = await setup({ dryRun: true, minor: '2.13' });
    expect(installed).toBe(false);
    expect(commands.map(requirementsOf)).toEqual([
      'torch-2.13.0-cpu.txt',
      'torch-2.13.0-cpu.txt',
      'torch-2.13.0-cpu-part.txt',
    ]);
    for (const command of commands)
      expect(command).toMatch(/--retries 0 --timeout \d+ .*--no-deps --require-hashes .*--abi cp311/);
    expect([calls(), existsSync(store), existsSync(cacheFolder(env))]).toEqual([[], false, false]);
  });

  it('goes straight to the release with CUDA when asked', async () => {
    const { commands } = await world().setup({ dryRun: true, cuda: true, minor: '2.14' });
    expect(commands.map(requirementsOf)).toEqual(['torch-2.14.1-cuda.txt']);
  });

  it('installs several minor releases side by side, and keeps to the one that was asked for last', async () => {
    const { setup, store, env } = world();
    for (const version of ['2.13.0', '2.14.1', '2.13.0']) {
      env.TEMPLATE = linkedLibtorch(temporaryFolder(), version);
      const minor = minorOf(version);
      expect(await setup({ minor })).toMatchObject({ libtorch: { minor } });
      expect(readRecord(env)).toMatchObject({ version });
    }
    const { flavour } = findLibtorch();
    expect(readdirSync(store)).toEqual([`2.13.0-${flavour}`, `2.14.1-${flavour}`]);
  });

  it('leaves the record as it is where that is asked for', async () => {
    const { setup, store, env } = world();
    expect(await setup({ record: false })).toMatchObject({ installed: true });
    expect([readRecord(env), readdirSync(store)]).toEqual([null, [expect.any(String)]]);
    expect(findLibtorch({ env }).source).toBe('setup');
  });

  it.each(['2.12', '2.13.0', '2', ''])('refuses the minor release %j by name', async (minor) => {
    const { setup, store } = world();
    expect(await codeOf(setup({ minor }))).toBe('ERR_CONFIG');
    expect(existsSync(store)).toBe(false);
  });

  it('installs, records, and has nothing to do the second time', async () => {
    const { setup, calls, env, store } = world();
    const first = await setup();
    expect(first).toMatchObject({ installed: true, libtorch: { flavour: findLibtorch().flavour } });
    expect(findLibtorch({ env })).toMatchObject({ source: 'setup', path: first.libtorch?.path });
    expect(await setup()).toMatchObject({ installed: false, libtorch: first.libtorch });
    expect(calls()).toHaveLength(1);
    expect(readdirSync(store)).toHaveLength(1);
  });

  it('takes the next way when one fails', async () => {
    const { setup, calls } = world(`[ -n "$extra" ] || { ${noRelease}; }`);
    expect(await setup()).toMatchObject({ installed: true });
    expect(calls()).toHaveLength(2);
  });

  it('goes on with a download that breaks off as long as each try brings something', async () => {
    const broken = 'echo "ERROR: The connection ended" >&2; exit 1';
    const piece = `mkdir -p "$downloads"; printf 12345 >> "$downloads/x.part"; `;
    const { setup, calls, store } = world(
      `[ "$(cat "$downloads/x.part" 2>/dev/null)" = 1234512345 ] || { ${piece}${broken}; }`,
    );
    expect(await setup()).toMatchObject({ installed: true });
    expect(calls()).toHaveLength(3);
    expect(new Set(calls().map(requirementsOf)).size).toBe(1);
    expect(readdirSync(store)).toHaveLength(1);
  });

  it('keeps what was downloaded for the next time, and `remove` does not', async () => {
    const { setup, store, env } = world(
      `[ -s "$downloads/x.part" ] || { mkdir -p "$downloads"; echo part > "$downloads/x.part"; kill -9 $PPID; }`,
    );
    const program = `const { setupLibtorch } = await import(${JSON.stringify(join(dist, 'setup/setup.js'))}); await setupLibtorch();`;
    expect(await runNode(program, { LIBTORCH: '', LM_RESNET_LIBTORCH: '', ...env })).toMatchObject({
      signal: 'SIGKILL',
    });
    expect(existsSync(join(store, '.downloads', 'x.part'))).toBe(true);
    expect(await removeLibtorch({ env })).toMatchObject({ removed: [join(store, '.downloads')], bytes: 5 });
    expect(existsSync(join(store, '.downloads'))).toBe(false);
    expect(await setup({ dryRun: true })).toMatchObject({ installed: false });
  });

  it('leaves nothing behind when every way fails', async () => {
    const { setup, calls, store, env } = world(`mkdir -p "$target/torch/lib"; ${noRelease}`);
    expect(await codeOf(setup())).toBe('ERR_SETUP');
    expect(calls()).toHaveLength(3);
    expect(readdirSync(store)).toEqual([]);
    expect(readdirSync(cacheFolder(env))).toEqual(['libtorch']);
  });

  it('does not try again on a full disk', async () => {
    const { setup, calls, store } = world('echo "ERROR: [Errno 28] No space left on device" >&2; exit 1');
    expect(await codeOf(setup())).toBe('ERR_SETUP');
    expect(calls()).toHaveLength(1);
    expect(readdirSync(store)).toEqual([]);
  });

  it.each<[string, (folder: string) => string, ErrorCode]>([
    ['has another version', (folder) => fakeLibtorch(folder, { version: '2.12.0' }), 'ERR_LIBTORCH_VERSION'],
    ['lacks a library', (folder) => fakeLibtorch(folder, { libraries: [] }), 'ERR_LIBTORCH_NOT_FOUND'],
    ['does not open', (folder) => fakeLibtorch(folder), 'ERR_SETUP'],
    ['does not fit the addon', (folder) => stubLibtorch(folder), 'ERR_SETUP'],
  ])('keeps nothing of an installation that %s', async (_, make, code) => {
    const { setup, store } = world('', make(temporaryFolder()));
    expect(await codeOf(setup())).toBe(code);
    expect(readdirSync(store)).toEqual([]);
  });

  it.each([
    ['there is no Python', (env: NodeJS.ProcessEnv) => Object.assign(env, { PATH: '/nothing' })],
    ['Python has no pip', (env: NodeJS.ProcessEnv) => Object.assign(env, { NO_PIP: '1' })],
  ])('says so when %s', async (_, spoil) => {
    const { setup, env } = world();
    spoil(env);
    expect(await codeOf(setup())).toBe('ERR_PREREQUISITE');
  });

  it('fails when the cache cannot be written', async () => {
    const { setup, env } = world();
    writeFileSync(cacheFolder(env), 'a file in the place of the folder');
    expect(await codeOf(setup())).toBe('ERR_SETUP');
  });

  it('gives both of two at once the same installation', async () => {
    const { setup, store } = world('sleep 0.3');
    const [one, two] = await Promise.all([setup(), setup()]);
    expect(one.libtorch).toEqual(two.libtorch);
    expect(readdirSync(store)).toHaveLength(1);
  });

  it('replaces an installation that was never completed', async () => {
    const { setup, store } = world();
    const { version, flavour } = findLibtorch();
    fakeLibtorch(join(store, `${version.split('+')[0]}-${flavour}`, 'torch'));
    expect(await setup()).toMatchObject({ installed: true });
    expect(await setup()).toMatchObject({ installed: false });
  });

  it('clears away what dead processes left, and nothing that a live one has', async () => {
    const { setup, store } = world();
    const dead = `.tmp-4194399-x@${hostname()}`;
    const live = `.tmp-${process.pid}-x@${hostname()}`;
    const elsewhere = '.tmp-4194399-x@another-host';
    for (const name of [dead, live, elsewhere]) mkdirSync(join(store, name), { recursive: true });
    await setup();
    expect(
      readdirSync(store)
        .filter((name) => name.startsWith('.'))
        .sort(),
    ).toEqual([elsewhere, live].sort());
  });

  it('recovers from a kill in the middle', async () => {
    const { env, store, setup } = world('[ -n "$DONE" ] || { kill -9 $PPID; exit 1; }');
    const program = `const { setupLibtorch } = await import(${JSON.stringify(join(dist, 'setup/setup.js'))}); await setupLibtorch();`;
    expect(await runNode(program, { LIBTORCH: '', LM_RESNET_LIBTORCH: '', ...env })).toMatchObject({
      signal: 'SIGKILL',
    });
    expect(readdirSync(store)).toHaveLength(1);
    env.DONE = '1';
    expect(await setup()).toMatchObject({ installed: true });
    expect(readdirSync(store).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('stops when it is told to, and leaves nothing behind', async () => {
    const { setup, store } = world('sleep 20');
    expect(await codeOf(setup({ signal: AbortSignal.timeout(300) }))).toBe('ERR_ABORTED');
    expect(readdirSync(store)).toEqual([]);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('ends at %s with %i, and keeps nothing but what was downloaded', async (name, wanted) => {
    const { env, store } = world(
      `mkdir -p "$downloads"; echo part > "$downloads/x.part"; kill -${name.slice(3)} $PPID; exec sleep 20`,
    );
    const { code, stderr } = await runCli(['setup'], {
      env: { ...env, LIBTORCH: '', LM_RESNET_LIBTORCH: '' },
    });
    expect(code).toBe(wanted);
    expect(stderr).toContain('ERR_ABORTED');
    expect(readdirSync(store)).toEqual(['.downloads']);
  });
});

describe('setupLibtorch with `from`', () => {
  it('records a folder where it is', async () => {
    const { setup, env, calls } = world();
    const { path } = findLibtorch();
    expect(await setup({ from: path })).toMatchObject({ installed: false, libtorch: { path } });
    expect(findLibtorch({ env })).toMatchObject({ source: 'setup', path });
    expect(await setup()).toMatchObject({ libtorch: { path } });
    expect(calls()).toEqual([]);
  });

  it.each(['torch-2.13.0-cp312.whl', 'libtorch.zip'])('unpacks %s, once', async (name) => {
    const { setup, env, calls } = world();
    const file = join(temporaryFolder(), name);
    writeFileSync(file, 'an archive');
    expect(await setup({ from: file })).toMatchObject({ installed: true });
    expect(await setup({ from: file })).toMatchObject({ installed: false });
    expect(calls()).toHaveLength(1);
    expect(findLibtorch({ env }).source).toBe('setup');
  });

  it.each<[string, (folder: string) => string, ErrorCode]>([
    ['a folder that does not exist', () => '/does/not/exist', 'ERR_LIBTORCH_NOT_FOUND'],
    ['another folder', (folder) => folder, 'ERR_LIBTORCH_NOT_FOUND'],
    ['another version', (folder) => fakeLibtorch(folder, { version: '2.12.0' }), 'ERR_LIBTORCH_VERSION'],
    ['one that does not open', (folder) => fakeLibtorch(folder), 'ERR_SETUP'],
  ])('refuses %s and records nothing', async (_, make, code) => {
    const { setup, env } = world();
    expect(await codeOf(setup({ from: make(temporaryFolder()) }))).toBe(code);
    expect(existsSync(cacheFolder(env))).toBe(false);
  });

  it('fails on a torn archive', async () => {
    const { setup, store } = world('echo "zipfile.BadZipFile: File is not a zip file" >&2; exit 1');
    const file = join(temporaryFolder(), 'torch.whl');
    writeFileSync(file, 'torn');
    expect(await codeOf(setup({ from: file }))).toBe('ERR_SETUP');
    expect(readdirSync(store)).toEqual([]);
  });
});
