import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { availableCores, defaultReplicas, defaultThreads } from '../src/cores.ts';
import { temporaryFolder } from './support/libtorch.ts';

function machine(files: Readonly<Record<string, string>>): string {
  const root = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

const all = availableParallelism();

describe('availableCores', () => {
  it.each<[string, number, Record<string, string>]>([
    ['no cgroup', all, {}],
    ['no limit', all, { 'sys/fs/cgroup/cpu.max': 'max 100000\n' }],
    ['one processor', 1, { 'sys/fs/cgroup/cpu.max': '100000 100000\n' }],
    ['a fraction of one', 1, { 'sys/fs/cgroup/cpu.max': '20000 100000\n' }],
    ['more than there are', all, { 'sys/fs/cgroup/cpu.max': '9900000 100000\n' }],
    [
      'a limit on a parent',
      1,
      {
        'proc/self/cgroup': '0::/service/inner\n',
        'sys/fs/cgroup/service/cpu.max': '50000 100000\n',
        'sys/fs/cgroup/service/inner/cpu.max': 'max 100000\n',
      },
    ],
    [
      'a limit of the first version',
      1,
      {
        'proc/self/cgroup': '4:cpu,cpuacct:/box\n',
        'sys/fs/cgroup/cpu/box/cpu.cfs_quota_us': '100000\n',
        'sys/fs/cgroup/cpu/box/cpu.cfs_period_us': '100000\n',
      },
    ],
    [
      'no limit of the first version',
      all,
      { 'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n', 'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n' },
    ],
  ])('counts %s', (_, cores, files) => {
    expect(availableCores(machine(files))).toBe(cores);
  });
});

describe('defaultThreads', () => {
  it.each([
    ['3', 3],
    ['2,1', 2],
    ['', availableCores()],
    ['0', availableCores()],
    ['many', availableCores()],
    [undefined, availableCores()],
  ])('for OMP_NUM_THREADS=%s is %i', (told, threads) => {
    expect(defaultThreads({ OMP_NUM_THREADS: told })).toBe(threads);
  });
});

describe('defaultReplicas', () => {
  it.each([
    { threads: 1, device: 'cpu', replicas: 1 },
    { threads: 31, device: 'cpu', replicas: 1 },
    { threads: 32, device: 'cpu', replicas: 2 },
    { threads: 96, device: 'cpu', replicas: 6 },
    { threads: 96, device: 'cuda', replicas: 1 },
    { threads: 96, device: 'cuda:1', replicas: 1 },
  ])('are $replicas for $threads threads on $device', ({ threads, device, replicas }) => {
    expect(defaultReplicas(threads, device)).toBe(replicas);
  });
});
