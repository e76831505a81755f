/** Removes what `lm-resnet setup` installed and recorded. Behind `lm-resnet setup --remove`. */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { expected } from '../errors.ts';
import { downloadsFolder, readRecord, recordFile, storeFolder } from './cache.ts';
import { type Flavour, flavours } from './examine.ts';
import { minorOf } from './releases.ts';
import { bytesBelow } from './size.ts';
import { clearLeftovers, putAway } from './staging.ts';

export interface RemoveOptions {
  /** Only installations with (cuda) or without it (cpu). Default: all. */
  readonly flavour?: Flavour | undefined;
  /** Only installations of a minor release, such as "2.13". Default: of all. */
  readonly minor?: string | undefined;
  /** Only say what would be removed. */
  readonly dryRun?: boolean | undefined;
  /** Environment to read, `process.env` by default. */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

export interface RemoveResult {
  /** Folders of the installations, and of a download that was cut short. */
  readonly removed: readonly string[];
  /** Bytes on disk that they took. */
  readonly bytes: number;
  /** Folder that is recorded no longer: one of these, or a user's own, which stays where it is. */
  readonly forgotten: string | null;
}

/**
 * Deletes the installations below the cache folder and forgets the record that led to them. A libtorch that
 * was recorded where it is (`from`) is forgotten and not touched. What another process installs now stays.
 *
 * @throws ERR_PREREQUISITE for a user without a home; ERR_SETUP when a folder cannot be written.
 * @example
 * const { removed, bytes } = await removeLibtorch();
 */
export async function removeLibtorch(options: RemoveOptions = {}): Promise<RemoveResult> {
  const { env = process.env, flavour, minor, dryRun = false } = options;
  if (minor !== undefined && !/^\d+\.\d+$/.test(minor)) {
    throw expected('ERR_CONFIG', 'a minor release such as 2.13', 'remove.minor', minor);
  }
  const store = storeFolder(env);
  const names = existsSync(store) ? await readdir(store) : [];
  const kinds = flavour === undefined ? flavours : [flavour];
  const removed = names
    .filter((name) => kinds.some((kind) => new RegExp(`^\\d+\\.\\d+[^-]*-${kind}$`).test(name)))
    .filter((name) => minor === undefined || minorOf(name) === minor)
    .map((name) => join(store, name));
  const all = flavour === undefined && minor === undefined;
  const downloads = downloadsFolder(env);
  if (all && existsSync(downloads)) removed.push(downloads);
  const bytes = (await Promise.all(removed.map(bytesBelow))).reduce((sum, size) => sum + size, 0);
  const forgotten = recordedFor(removed, store, all, env);
  if (dryRun) return { removed, bytes, forgotten };
  if (forgotten !== null) await rm(recordFile(env), { force: true });
  for (const folder of removed) await putAway(folder);
  if (existsSync(store)) await clearLeftovers(store);
  return { removed, bytes, forgotten };
}

/** The recorded folder, if it goes with these: it lies in one, or is a user's own and all are to go. */
function recordedFor(
  removed: readonly string[],
  store: string,
  all: boolean,
  env: NodeJS.ProcessEnv,
): string | null {
  const record = readRecord(env);
  if (record === null || typeof record === 'string') return null;
  const { path } = record;
  if (removed.some((folder) => path === folder || path.startsWith(folder + sep))) return path;
  return all && !path.startsWith(store + sep) ? path : null;
}
