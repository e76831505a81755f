/** Ranks on CUDA devices need the library of NCCL; that compiles where its headers are. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { libtorchInUse } from '../../src/native/load.ts';
import { requireNccl } from '../../src/ranks/nccl.ts';
import { addon } from '../support/addon.ts';
import { runProgram } from '../support/children.ts';
import { codeOf } from '../support/failures.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const hasHeaders = existsSync(join(root, '.cache', 'nccl', '2.13', 'include', 'nccl.h'));
if (!hasHeaders) console.warn('not run: the compile for NCCL; `node scripts/nccl.mjs` fetches its headers');

describe('requireNccl', () => {
  beforeAll(() => {
    addon();
  });

  const here = () => libtorchInUse()?.minor ?? '';
  it.each<[string, string, NodeJS.ProcessEnv, () => Record<string, string>, RegExp]>([
    ['nothing on the CPU', 'cpu', {}, () => ({}), /^none$/],
    ['the library of this libtorch', 'cuda:1', {}, () => ({ [here()]: 'lm_nccl.so' }), /^none$/],
    ['the one that the environment names', 'cuda', { LM_RESNET_NCCL: '/x.so' }, () => ({}), /^none$/],
    [
      'more than that of another libtorch',
      'cuda',
      {},
      () => ({ '1.0': 'lm_nccl-1.0.so' }),
      /^ERR_ADDON_MISSING$/,
    ],
  ])('asks for %s', async (_, device, env, libraries, code) => {
    expect(await codeOf(() => requireNccl(device, env, libraries()))).toMatch(code);
  });

  it.skipIf(!hasHeaders)('asks for what compiles where its headers are', { timeout: 300_000 }, async () => {
    const build = join(root, 'scripts', 'build.mjs');
    const args = [build, '--nccl', '--quiet', '--minor', '2.13'];
    const { code, stderr } = await runProgram(process.execPath, args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
