import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cacheFolder, readRecord, writeRecord } from '../../src/setup/cache.ts';
import { removeLibtorch } from '../../src/setup/remove.ts';
import { cli } from '../support/cli.ts';
import { emptyEnvironment, temporaryFolder } from '../support/libtorch.ts';

/** A cache with two installations, one of which is recorded, and things that are none. */
async function cache(recorded?: string) {
  const env = emptyEnvironment(temporaryFolder());
  const store = join(cacheFolder(env), 'libtorch');
  const cpu = join(store, '2.13.0-cpu');
  const cuda = join(store, '2.13.0-cuda');
  const live = join(store, `.tmp-${process.pid}-x@${hostname()}`);
  const dead = join(store, `.tmp-4194399-x@${hostname()}`);
  for (const folder of [cpu, cuda, live, dead, join(store, 'mine')]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(cpu, 'file'), 'x'.repeat(1000));
  await writeRecord({ path: recorded ?? join(cpu, 'torch'), version: '2.13.0', flavour: 'cpu' }, env);
  return { env, store, cpu, cuda, live, dead };
}

describe('removeLibtorch', () => {
  it('removes every installation and its record, and leaves what is not its own', async () => {
    const { env, store, cpu, cuda, live, dead } = await cache();
    expect(await removeLibtorch({ env })).toEqual({
      removed: [cpu, cuda],
      bytes: 1000,
      forgotten: join(cpu, 'torch'),
    });
    expect([cpu, cuda, dead].map((path) => existsSync(path))).toEqual([false, false, false]);
    expect([live, join(store, 'mine')].map((path) => existsSync(path))).toEqual([true, true]);
    expect(readRecord(env)).toBeNull();
    expect(await removeLibtorch({ env })).toEqual({ removed: [], bytes: 0, forgotten: null });
  });

  it('removes one flavour, and keeps the record of the other', async () => {
    const { env, cpu, cuda } = await cache();
    expect(await removeLibtorch({ env, flavour: 'cuda' })).toMatchObject({
      removed: [cuda],
      forgotten: null,
    });
    expect(existsSync(cpu)).toBe(true);
    expect(readRecord(env)).toMatchObject({ path: join(cpu, 'torch') });
  });

  it('removes one minor release, and keeps the others', async () => {
    const { env, store, cpu, cuda } = await cache();
    const newer = join(store, '2.14.1-cpu');
    mkdirSync(newer);
    expect(await removeLibtorch({ env, minor: '2.14' })).toMatchObject({ removed: [newer], forgotten: null });
    expect([cpu, cuda].map((path) => existsSync(path))).toEqual([true, true]);
    await expect(removeLibtorch({ env, minor: '2' })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
  });

  it('forgets a folder of the user and does not touch it', async () => {
    const own = temporaryFolder();
    const { env } = await cache(own);
    expect(await removeLibtorch({ env })).toMatchObject({ forgotten: own });
    expect([existsSync(own), readRecord(env)]).toEqual([true, null]);
  });

  it('only says what it would remove in a dry run', async () => {
    const { env, cpu, cuda } = await cache();
    expect(await removeLibtorch({ env, dryRun: true })).toMatchObject({ removed: [cpu, cuda], bytes: 1000 });
    expect([existsSync(cpu), readRecord(env)]).toEqual([true, expect.objectContaining({ flavour: 'cpu' })]);
  });

  it('has nothing to do where there is no cache', async () => {
    const env = emptyEnvironment(temporaryFolder());
    expect(await removeLibtorch({ env })).toEqual({ removed: [], bytes: 0, forgotten: null });
    expect(existsSync(cacheFolder(env))).toBe(false);
  });
});

describe('lm-resnet setup --remove', () => {
  it('takes no --from', async () => {
    expect(await cli(['setup', '--remove', '--from', '/x'])).toMatchObject({ code: 2 });
  });
});
