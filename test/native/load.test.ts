import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { init } from '../../src/native/load.ts';
import { findLibtorch } from '../../src/setup/libtorch.ts';
import { thrown } from '../support/errors.ts';
import {
  askNode,
  dist,
  fakeLibtorch,
  linkedLibtorch,
  runNode,
  stubLibrary,
  stubLibtorch,
  temporaryFolder,
} from '../support/libtorch.ts';

const module = JSON.stringify(join(dist, 'native', 'load.js'));
const start = `const { init, native, libtorchInUse } = await import(${module});
const codeOf = (call) => { try { call(); return 'none'; } catch (error) { return error.code ?? String(error); } };\n`;

/** Runs text with the functions of load.ts in a child process. */
function withLoader(program: string, env: NodeJS.ProcessEnv = {}): Promise<unknown> {
  return askNode(start + program, env);
}

/** Text that runs `count` workers, each with `program` after the loader is imported. */
function workers(count: number, program: string): string {
  return `import { Worker } from 'node:worker_threads';
    const text = ${JSON.stringify(`Promise.all([import('node:worker_threads'), import(${module})]).then(
      ([{ parentPort }, { init, native, libtorchInUse }]) => { ${program} });`)};
    const started = Array.from({ length: ${count} }, () => new Worker(text, { eval: true }));
    const messages = Promise.all(started.map((worker) => new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
    })));\n`;
}

describe('init', () => {
  it.each([
    [{ thread: 2 }],
    [{ threads: 0 }],
    [{ threads: 1.5 }],
    [{ threads: '2' }],
    [{ libtorch: '' }],
    [{ libtorch: 3 }],
  ])('refuses %j', (options) => {
    expect(thrown(() => init(options as object))).toMatchObject({ code: 'ERR_CONFIG' });
  });

  it('loads nothing', async () => {
    expect(await withLoader("init({ libtorch: '/does/not/exist' }); answer(libtorchInUse());")).toBeNull();
  });

  it('sets the threads, before and after loading', async () => {
    const answer = await withLoader(`
      init({ threads: 1 });
      const before = native().info().threads;
      init({ threads: 2 });
      answer([before, native().info().threads]);`);
    expect(answer).toEqual([1, 2]);
  });

  it('takes the libtorch in use a second time, by any path, and refuses another', async () => {
    const { path } = findLibtorch();
    const same = linkedLibtorch(join(temporaryFolder(), 'torch'));
    const other = fakeLibtorch(temporaryFolder());
    const answer = await withLoader(`
      native();
      answer(${JSON.stringify([path, same, other, '/does/not/exist'])}.map((libtorch) => codeOf(() => init({ libtorch }))));`);
    expect(answer).toEqual(['none', 'none', 'ERR_CONFIG', 'ERR_CONFIG']);
  });
});

describe('native', () => {
  it('loads once', async () => {
    expect(await withLoader('answer(native() === native());')).toBe(true);
  });

  it('can be repaired: a wrong choice is an error, a right one after it works', async () => {
    const old = fakeLibtorch(temporaryFolder(), { version: '2.12.0' });
    const answer = await withLoader(`
      const codes = ['/does/not/exist', ${JSON.stringify(old)}].map((libtorch) => {
        init({ libtorch });
        return codeOf(native);
      });
      init({ libtorch: ${JSON.stringify(findLibtorch().path)} });
      answer([...codes, codeOf(native)]);`);
    expect(answer).toEqual(['ERR_LIBTORCH_NOT_FOUND', 'ERR_LIBTORCH_VERSION', 'none']);
  });

  it('refuses libraries without libtorch’s symbols, and goes on living', async () => {
    const libtorch = JSON.stringify(stubLibtorch(temporaryFolder()));
    const answer = await withLoader(
      `init({ libtorch: ${libtorch} }); answer([codeOf(native), codeOf(native)]);`,
    );
    expect(answer).toEqual(['ERR_LIBTORCH_VERSION', 'ERR_LIBTORCH_VERSION']);
  });

  it('refuses libraries that do not open', async () => {
    const libtorch = JSON.stringify(fakeLibtorch(temporaryFolder()));
    expect(await withLoader(`init({ libtorch: ${libtorch} }); answer(codeOf(native));`)).toBe(
      'ERR_LIBTORCH_NOT_FOUND',
    );
  });

  it('refuses a second libtorch in one process', async () => {
    const other = stubLibrary(join(temporaryFolder(), 'libtorch_cpu.so.1.13'), 'libtorch_cpu.so.1.13');
    const answer = await withLoader(`
      const { resolveOpener } = await import(${JSON.stringify(join(dist, 'setup', 'binaries.js'))});
      const { createRequire } = await import('node:module');
      createRequire('/')(resolveOpener()).open(${JSON.stringify([other])});
      answer(codeOf(native));`);
    expect(answer).toBe('ERR_LIBTORCH_VERSION');
  });

  it('takes its own libtorch where LD_LIBRARY_PATH has a lookalike', async () => {
    const lookalike = join(stubLibtorch(temporaryFolder()), 'lib');
    const answer = await withLoader(
      `native();
      const maps = (await import('node:fs')).readFileSync('/proc/self/maps', 'utf8');
      answer(maps.includes(${JSON.stringify(lookalike)}));`,
      { LD_LIBRARY_PATH: lookalike },
    );
    expect(answer).toBe(false);
  });

  it('lets OpenMP spin for microseconds only, unless told otherwise, in the main thread and in workers', async () => {
    const settings = 'answer([process.env.GOMP_SPINCOUNT ?? null, process.env.OMP_WAIT_POLICY ?? null]);';
    const main = `native(); ${settings}`;
    const unset = { ...process.env, OMP_WAIT_POLICY: undefined, GOMP_SPINCOUNT: undefined };
    expect(await withLoader(main, unset)).toEqual(['10000', null]);
    expect(await withLoader(main, { ...unset, GOMP_SPINCOUNT: '7' })).toEqual(['7', null]);
    expect(await withLoader(main, { ...unset, OMP_WAIT_POLICY: 'active' })).toEqual([null, 'active']);
    const worker = `${workers(1, 'native(); parentPort.postMessage(1);')} await messages; ${settings}`;
    expect(await askNode(worker, unset)).toEqual(['10000', null]);
  });

  it('works in the main thread and two workers at once, with one libtorch', async () => {
    const inUse = 'parentPort.postMessage([native().info().threads, libtorchInUse().path]);';
    const answer = await askNode(`${start}${workers(2, inUse)}
      init({ threads: 1 });
      native();
      answer([...(await messages), [native().info().threads, libtorchInUse().path]].map(([, path]) => path));`);
    expect(answer).toEqual(Array.from({ length: 3 }, () => findLibtorch().path));
  });

  it('keeps the process’s threads and libtorch when a worker loads after the main thread', async () => {
    const inUse = 'parentPort.postMessage([native().info().threads, libtorchInUse().source]);';
    const answer = await askNode(
      `${start} init({ threads: 1 }); native(); ${workers(1, inUse)} answer((await messages)[0]);`,
    );
    expect(answer).toEqual([1, 'process']);
  });

  it.each([
    ['after loading', 'native(); parentPort.postMessage(1); setInterval(() => {}, 1000);', 'await messages;'],
    ['while loading', 'parentPort.postMessage(1); native();', 'await messages;'],
    ['while starting', 'native(); parentPort.postMessage(1);', 'messages.catch(() => {});'],
  ])('survives the end of its workers %s', async (_, program, before) => {
    const answer = await askNode(`${start}${workers(2, program)} ${before}
      await Promise.all(started.map((worker) => worker.terminate()));
      answer(native().info().threads > 0);`);
    expect(answer).toBe(true);
  });

  it('lets the process exit at once after loading', async () => {
    const ended = await runNode(`${start} native(); process.exit(7);`);
    expect(ended).toMatchObject({ code: 7, signal: null });
  });
});
