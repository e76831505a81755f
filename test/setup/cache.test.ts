import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cacheFolder, readRecord } from '../../src/setup/cache.ts';
import { diagnose } from '../../src/setup/doctor.ts';
import { findLibtorch } from '../../src/setup/libtorch.ts';
import { thrown } from '../support/errors.ts';

describe('a user without a home', () => {
  const env = { PATH: '' };

  // What Node does for a number of a user that the system does not know.
  beforeEach(() => {
    vi.spyOn(os, 'homedir').mockImplementation(() => {
      throw Object.assign(new Error('uv_os_homedir returned ENOENT'), { code: 'ERR_SYSTEM_ERROR' });
    });
    syncBuiltinESMExports();
  });

  afterEach(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });

  it('has no cache folder unless one is named', () => {
    expect(thrown(() => cacheFolder(env))).toMatchObject({
      code: 'ERR_PREREQUISITE',
      text: expect.stringContaining('LM_RESNET_CACHE'),
    });
    expect(cacheFolder({ ...env, LM_RESNET_CACHE: '/a' })).toBe('/a');
    expect(cacheFolder({ ...env, HOME: '/b' })).toMatch(/^\/b\//);
  });

  it('has no recorded libtorch, which says why', () => {
    expect(readRecord(env)).toContain('no');
    expect(thrown(() => findLibtorch({ env }))).toMatchObject({
      code: 'ERR_LIBTORCH_NOT_FOUND',
      text: expect.stringContaining('HOME is not set'),
    });
  });

  it('gets a report from doctor', async () => {
    expect((await diagnose({ env })).cache).toBeNull();
  });
});
