import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { requirePython, runPython } from '../../src/setup/pip.ts';
import { dist, temporaryFolder } from '../support/libtorch.ts';

const sleeper = (file: string): string[] => {
  const work = `import os, time; open(${JSON.stringify(file)}, 'w').write(str(os.getpid())); time.sleep(60)`;
  return ['-m', 'timeit', '-n', '1', '-r', '1', work];
};

const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

describe('runPython', () => {
  const python = requirePython(process.env, { pip: false });

  it('runs a module with its arguments', async () => {
    const scratch = temporaryFolder();
    const file = join(scratch, 'made');
    const work = `open(${JSON.stringify(file)}, 'w').close()`;
    const args = ['-m', 'timeit', '-n', '1', '-r', '1', work];
    await runPython(python, args, { env: process.env, scratch });
    expect(existsSync(file)).toBe(true);
  });

  it.each<NodeJS.Signals>(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP'])(
    'leaves no Python behind when its process gets %s',
    async (signal) => {
      const scratch = temporaryFolder();
      const file = join(scratch, 'pid');
      const url = pathToFileURL(join(dist, 'setup/pip.js')).href;
      const program = `import { runPython } from ${JSON.stringify(url)};
        await runPython(${JSON.stringify(python)}, ${JSON.stringify(sleeper(file))}, { env: process.env, scratch: ${JSON.stringify(scratch)} });`;
      const parent = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' });
      const pid = await vi.waitUntil(() => existsSync(file) && Number(readFileSync(file, 'utf8')), 20_000);
      expect(isAlive(pid)).toBe(true);
      parent.kill(signal);
      await once(parent, 'exit');
      await vi.waitUntil(() => !isAlive(pid), 10_000);
    },
    40_000,
  );
});
