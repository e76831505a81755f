/**
 * Processors that this process may use: the smallest of the host's count, the affinity mask and the cgroup's
 * quota.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** Most threads that can be asked for. */
export const maxThreads = 1024;

/**
 * Number of processors available to this process, at least 1; a quota's fraction is rounded up.
 *
 * @param root folder that holds `proc` and `sys`, "/" by default.
 */
export function availableCores(root = '/'): number {
  const quotas = [quotaV2(root), quotaV1(root)].filter((quota) => quota !== null);
  return Math.max(1, Math.min(availableParallelism(), ...quotas.map(Math.ceil)));
}

/** Threads that compute unless the user says: `OMP_NUM_THREADS` where it is set, else the available cores. */
export function defaultThreads(env: NodeJS.ProcessEnv = process.env): number {
  const told = Number.parseInt(env.OMP_NUM_THREADS ?? '', 10);
  return told > 0 ? Math.min(told, maxThreads) : Math.min(availableCores(), maxThreads);
}

/** Threads of a replica: a batch gains little from a larger team. */
const teamOfReplica = 16;

/** Replicas of a model that serves unless the user says: one for every 16 threads; one on a GPU. */
export function defaultReplicas(threads: number, device: string): number {
  return device === 'cpu' ? Math.max(1, Math.floor(threads / teamOfReplica)) : 1;
}

/** The tightest `cpu.max` from this process's cgroup up to the root. */
function quotaV2(root: string): number | null {
  const own = /^0::(\/.*)$/m.exec(read(join(root, 'proc/self/cgroup')) ?? '')?.[1];
  const quotas = upwards(own ?? '/').map((group) => {
    const [quota, period] = (read(join(root, 'sys/fs/cgroup', group, 'cpu.max')) ?? '').trim().split(' ');
    return ratio(quota, period);
  });
  return smallest(quotas);
}

function quotaV1(root: string): number | null {
  const own = /^\d+:(?:[^:]*,)?cpu(?:,[^:]*)?:(\/.*)$/m.exec(read(join(root, 'proc/self/cgroup')) ?? '')?.[1];
  const quotas = upwards(own ?? '/').map((group) => {
    const folder = join(root, 'sys/fs/cgroup/cpu', group);
    return ratio(read(join(folder, 'cpu.cfs_quota_us')), read(join(folder, 'cpu.cfs_period_us')));
  });
  return smallest(quotas);
}

/** "/a/b" gives "/a/b", "/a", "/". */
function upwards(group: string): string[] {
  const parts = group.split('/').filter((part) => part !== '' && part !== '..');
  return [...parts.map((_, i) => `/${parts.slice(0, parts.length - i).join('/')}`), '/'];
}

/** Quota over period; null when there is no limit ("max", -1) or no such file. */
function ratio(quota: string | null | undefined, period: string | null | undefined): number | null {
  const cores = Number(quota ?? Number.NaN) / Number(period ?? Number.NaN);
  return Number.isFinite(cores) && cores > 0 ? cores : null;
}

function smallest(values: readonly (number | null)[]): number | null {
  const limits = values.filter((value) => value !== null);
  return limits.length > 0 ? Math.min(...limits) : null;
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
