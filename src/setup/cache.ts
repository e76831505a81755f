/**
 * The user's cache folder and the location of libtorch that `lm-resnet setup` records there. Never inside
 * node_modules.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { isLmError, LmError } from '../errors.ts';
import { ensureFolder, fileError, replaceFile } from '../files.ts';
import { newestFirst } from './releases.ts';
import { isComplete } from './staging.ts';

/** What `libtorch.json` holds. */
export interface LibtorchRecord {
  /** Folder of libtorch: a wheel's `torch/` or an unpacked libtorch. */
  readonly path: string;
  readonly version: string;
  readonly flavour: string;
}

/**
 * Folder for downloads: `LM_RESNET_CACHE`, else the system's cache folder of this user with `lm-resnet` below
 * it.
 *
 * @throws ERR_PREREQUISITE for a user without a home, as a number that the system does not know has none.
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.LM_RESNET_CACHE) return resolve(env.LM_RESNET_CACHE);
  if (env.XDG_CACHE_HOME) return join(resolve(env.XDG_CACHE_HOME), 'lm-resnet');
  const home = env.HOME || homeOfUser();
  if (process.platform === 'darwin') return join(home, 'Library', 'Caches', 'lm-resnet');
  if (process.platform === 'win32') {
    return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'lm-resnet', 'Cache');
  }
  return join(home, '.cache', 'lm-resnet');
}

function homeOfUser(): string {
  try {
    return homedir();
  } catch (cause) {
    const message =
      'Expected a home folder but found none: HOME is not set, and the system does not know the user';
    throw new LmError('ERR_PREREQUISITE', message, {
      hint: 'Name a folder with the environment LM_RESNET_CACHE, or set HOME.',
      cause,
    });
  }
}

/** Folder of the installations, which lie side by side. */
export function storeFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(cacheFolder(env), 'libtorch');
}

/** Folder of what was downloaded before a set-up was cut short, for the next to go on with. */
export function downloadsFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(storeFolder(env), '.downloads');
}

/**
 * Folders of complete installations, newest first and one without CUDA before that with it; none in a cache
 * that cannot be read.
 */
export function installations(env: NodeJS.ProcessEnv = process.env): string[] {
  try {
    const store = storeFolder(env);
    const names = readdirSync(store).filter((name) => /^\d/.test(name) && isComplete(join(store, name)));
    const version = (name: string): string => name.replace(/-.*/, '');
    return names
      .sort((a, b) => newestFirst(version(a), version(b)) || a.localeCompare(b))
      .map((name) => join(store, name));
  } catch {
    return [];
  }
}

/** File that names the libtorch which `lm-resnet setup` installed. */
export function recordFile(env: NodeJS.ProcessEnv = process.env): string {
  return join(cacheFolder(env), 'libtorch.json');
}

/**
 * The recorded libtorch: null when nothing was recorded, a text saying what is wrong when the file is torn or
 * has no place.
 */
export function readRecord(env: NodeJS.ProcessEnv = process.env): LibtorchRecord | string | null {
  let file: string;
  try {
    file = recordFile(env);
  } catch (error) {
    if (isLmError(error, 'ERR_PREREQUISITE')) return error.message;
    throw error;
  }
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isRecord(value) ? value : `${file} has no \`path\``;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    return `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/**
 * Records a libtorch, replacing the file as a whole. Fails with ERR_FILE when the folder cannot be written.
 */
export async function writeRecord(
  record: LibtorchRecord,
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const folder = cacheFolder(env);
  await ensureFolder(folder).catch((cause: unknown) => {
    throw fileError(cause, 'a writable folder', folder);
  });
  await replaceFile(recordFile(env), (file) => file.writeFile(`${JSON.stringify(record, null, 2)}\n`));
}

function isRecord(value: unknown): value is LibtorchRecord {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'path') === 'string';
}
