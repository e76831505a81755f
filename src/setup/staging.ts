/** Folders that appear complete or not at all: filled under a temporary name, flushed, marked, renamed. */
import { randomBytes } from 'node:crypto';
import { existsSync, type Stats } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { LmError } from '../errors.ts';
import { ensureFolder, errnoOf } from '../files.ts';

const markerName = '.lm-resnet-complete.json';

/** Temporary folders carry host and process, so that a later run knows which were left behind. */
const prefix = '.tmp-';

/** After this time a temporary folder counts as left behind, also of another host or container. */
const oneDay = 24 * 60 * 60 * 1000;

/** Makes an empty temporary folder in `parent`, after clearing away what dead processes left there. */
export async function openStaging(parent: string): Promise<string> {
  await refusals('write', parent, () => ensureFolder(parent));
  await clearLeftovers(parent);
  const id = `${process.pid}-${Date.now().toString(36)}${randomBytes(3).toString('hex')}`;
  const folder = join(parent, `${prefix}${id}@${hostname()}`);
  await refusals('write', parent, () => mkdir(folder));
  return folder;
}

/**
 * Flushes a staged folder, marks it complete and gives it its name. One that came first and is complete
 * stays.
 */
export async function commitStaging(staging: string, target: string, marker: object): Promise<void> {
  await refusals('flush', staging, async () => {
    await flushBelow(staging);
    await writeMarker(staging, marker);
  });
  for (let tries = 0; ; tries++) {
    try {
      await rename(staging, target);
      return await flush(join(target, '..'));
    } catch (error) {
      const taken = ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errnoOf(error) ?? '');
      if (!taken || tries > 3) return refusals('write', target, () => Promise.reject(error));
      if ((await readMarker(target)) !== null) return rm(staging, { recursive: true, force: true });
      await putAway(target);
    }
  }
}

/** Moves a folder out of the way at once, then deletes it; whoever has its files open keeps them. */
export async function putAway(target: string): Promise<void> {
  const old = `${await openStaging(join(target, '..'))}`;
  await rename(target, join(old, 'old')).catch(() => undefined);
  await rm(old, { recursive: true, force: true });
}

/** True for a folder that was given its name by `commitStaging`. */
export function isComplete(folder: string): boolean {
  return existsSync(join(folder, markerName));
}

/** What a complete folder's marker holds; null when there is none. */
export async function readMarker(folder: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(folder, markerName), 'utf8'));
  } catch {
    return null;
  }
}

async function writeMarker(folder: string, marker: object): Promise<void> {
  const file = await open(join(folder, markerName), 'w');
  try {
    await file.writeFile(JSON.stringify(marker));
    await file.sync();
  } finally {
    await file.close();
  }
  await flush(folder);
}

/**
 * Deletes what dead processes left in `parent`; a pip that outlived its parent may have written until now.
 */
export async function clearLeftovers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (name.startsWith(prefix) && (await isLeftover(parent, name))) {
      await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined);
    }
  }
}

async function isLeftover(parent: string, name: string): Promise<boolean> {
  const [, pid, host] = /^\.tmp-(\d+)-[^@]*@(.*)$/.exec(name) ?? [];
  if (pid !== undefined && host === hostname()) return !isAlive(Number(pid));
  const stats: Stats | null = await stat(join(parent, name)).catch(() => null);
  return stats !== null && Date.now() - stats.mtimeMs > oneDay;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Flushes the shared libraries, the files that a power cut must not leave torn. */
async function flushBelow(folder: string): Promise<void> {
  const files = await readdir(folder, { recursive: true });
  for (const file of files.filter((name) => /\.so(\.|$)/.test(name))) await flush(join(folder, file));
}

async function flush(path: string): Promise<void> {
  if (!existsSync(path)) return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Runs `work`; what the file system refuses becomes ERR_SETUP. */
async function refusals<T>(verb: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const errno = errnoOf(cause);
    if (errno === undefined) throw cause;
    const hint =
      errno === 'ENOSPC' || errno === 'EDQUOT'
        ? 'The disk is full: free some space, or move the cache with the environment LM_RESNET_CACHE.'
        : 'Check the owner and mode of the folder, or choose another with the environment LM_RESNET_CACHE.';
    throw new LmError('ERR_SETUP', `Cannot ${verb} ${path}: ${errno}`, { hint, cause });
  }
}
