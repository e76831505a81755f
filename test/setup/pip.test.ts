import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { attempts, requirePython, runPython, sizesOf } from '../../src/setup/pip.ts';
import { dropCuda } from '../../src/setup/prune.ts';
import { libtorchMinors, libtorchReleases, minorOf } from '../../src/setup/releases.ts';
import { setupLibtorch } from '../../src/setup/setup.ts';
import { dist, emptyEnvironment, temporaryFolder } from '../support/libtorch.ts';

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

describe('a wheel that is not the one that was released', () => {
  /** A wheel of the right name, as an index of someone else would give it. */
  const wheel = (folder: string): void => {
    const name = 'torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl';
    const info = 'torch-2.13.0+cpu.dist-info';
    const program = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as z:
  z.writestr('${info}/METADATA', 'Metadata-Version: 2.1\\nName: torch\\nVersion: 2.13.0+cpu\\n')
  z.writestr('${info}/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: false\\nTag: cp311-cp311-manylinux_2_28_x86_64\\n')
  z.writestr('${info}/RECORD', '')
  z.writestr('torch/version.py', '__version__ = "2.13.0+cpu"')`;
    execFileSync('python3', ['-c', program, join(folder, name)]);
  };

  it('is refused by pip with both hashes told, tried nowhere else, and leaves nothing', async () => {
    const folder = temporaryFolder();
    wheel(folder);
    const env = {
      ...emptyEnvironment(folder),
      PATH: process.env.PATH,
      PIP_CONFIG_FILE: '/dev/null',
      PIP_NO_INDEX: '1',
      PIP_FIND_LINKS: folder,
    };
    const told: string[] = [];
    await expect(
      setupLibtorch({ env, minor: '2.13', onProgress: (line) => told.push(line) }),
    ).rejects.toMatchObject({
      code: 'ERR_SETUP',
      message: expect.stringMatching(
        /^Expected the SHA-256 6746dbcb[0-9a-f]{50}64667b for `torch==2\.13\.0\+cpu .*` but received [0-9a-f]{64}; nothing/,
      ),
    });
    expect(told).toHaveLength(1);
    expect(readdirSync(join(folder, 'cache', 'libtorch'))).toEqual([]);
  }, 60_000);
});

describe("a constraint of the machine's pip", () => {
  it('that allows none of the releases is named, with how to set it aside', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'constraints.txt'), 'torch<=2.12.1');
    const env = {
      ...emptyEnvironment(folder),
      PATH: process.env.PATH,
      PIP_CONFIG_FILE: '/dev/null',
      PIP_CONSTRAINT: join(folder, 'constraints.txt'),
      PIP_NO_INDEX: '1',
    };
    await expect(setupLibtorch({ env, cuda: true, minor: '2.13' })).rejects.toMatchObject({
      code: 'ERR_SETUP',
      message: expect.stringMatching(/no release that its constraint `torch<=2\.12\.1` allows$/),
      hint: expect.stringContaining('PIP_CONSTRAINT=/dev/null'),
    });
  }, 60_000);
});

describe('attempts', () => {
  it.each([
    ['x64', false],
    ['x64', true],
    ['arm64', false],
  ])('names the SHA-256 of every package it asks for: %s, with CUDA: %s', (arch, cuda) => {
    const releases = new Set<string>();
    for (const attempt of attempts(libtorchMinors, cuda, arch)) {
      releases.add(attempt.release);
      const { requirements } = attempt;
      const lines = readFileSync(requirements, 'utf8').split('\n');
      const packages = lines.filter((line) => /^[a-z]/.test(line));
      const hashes = lines.filter((line) => /^ {4}--hash=sha256:[0-9a-f]{64}$/.test(line));
      expect(packages.length).toBeGreaterThan(0);
      expect(packages.every((line) => /^[\w-]+={2,3}[\w.+]+ \\$/.test(line))).toBe(true);
      expect(hashes).toHaveLength(packages.length);
      expect(sizesOf(attempt)).toMatch(/^[\d.]+ [MG]B to download, [\d.]+ [MG]B on disk$/);
    }
    expect([...releases]).toEqual(libtorchReleases);
  });

  it('has the newest release first', () => {
    const releases = attempts([...libtorchMinors].reverse(), false).map(({ release }) => release);
    expect([...new Set(releases)]).toEqual(libtorchReleases);
  });

  it('is ERR_PREREQUISITE for a processor that no wheels are known for', () => {
    expect(() => attempts(libtorchMinors, false, 'riscv64')).toThrow(
      expect.objectContaining({ code: 'ERR_PREREQUISITE' }),
    );
  });
});

describe('dropCuda', () => {
  const kept = ['libc10.so', 'libgomp.so.1', 'libtorch_cpu.so', 'libtorch_global_deps.so'];
  const dropped = ['libc10_cuda.so', 'libtorch.so', 'libtorch_cuda.so', 'libtorch_cuda_linalg.so'];

  it.each([
    ['keeps what works without CUDA of a build with it', [...kept, ...dropped], kept],
    ['deletes nothing of a build without', [...kept, 'libtorch.so'], [...kept, 'libtorch.so']],
  ])('%s', async (_, before, after) => {
    const folder = temporaryFolder();
    const lib = join(folder, 'torch', 'lib');
    mkdirSync(lib, { recursive: true });
    for (const name of before) writeFileSync(join(lib, name), '');
    await dropCuda(folder);
    expect(readdirSync(lib).sort()).toEqual([...after].sort());
  });
});

describe('minorOf', () => {
  it.each([
    ['2.13.0+cpu', '2.13'],
    ['2.130.0', '2.130'],
    ['2.14.0a0+git5c48869', '2.14'],
    ['2.14-cuda', '2.14'],
    ['2.14', '2.14'],
    ['unknown', 'unknown'],
  ])('of %s is %s', (version, minor) => {
    expect(minorOf(version)).toBe(minor);
  });

  it('is the same list in C++, in words and in numbers', () => {
    const header = readFileSync(new URL('../../native/core/libtorch.h', import.meta.url), 'utf8');
    const [oldest = '', newest = ''] = [libtorchMinors.at(-1), libtorchMinors[0]].map((minor) =>
      minor?.slice(2),
    );
    expect(header).toContain(`MINOR < ${oldest} || TORCH_VERSION_MINOR > ${newest}\n`);
    expect(header).toContain(`libtorch 2.${oldest} to 2.${newest};`);
  });
});
