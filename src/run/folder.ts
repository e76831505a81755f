/** Folders of runs: every run has a new one, none is ever written over. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expected, LmError } from '../errors.ts';
import { checkPath, ensureFolder, errnoOf, fileError, isTemporary } from '../files.ts';

/** Names in a run folder. */
export const runFileNames = {
  newest: 'checkpoint.safetensors',
  best: 'best.safetensors',
  metrics: 'metrics.jsonl',
  settings: 'settings.json',
  evaluation: 'evaluation.json',
  curves: 'curves.png',
  lock: 'run.lock',
} as const;

/** The most classes whose confusions, all of them, are written down after an evaluation. */
export const mostConfusedClasses = 2000;

/**
 * Creates the folder of a run, parents too. A folder that exists and is empty, save for a lock, is
 * taken.
 *
 * @returns the path, as given.
 * @throws ERR_RUN_EXISTS when something is there already, ERR_FILE when the file system refuses.
 * @example
 * await createRunFolder('runs/lm_resnet20');
 */
export async function createRunFolder(path: string): Promise<string> {
  if (await makeFolder(path)) return path;
  const names = await readdir(path).catch((cause: unknown) => {
    if (errnoOf(cause) === 'ENOTDIR') return ['file'];
    throw fileError(cause, 'a new folder', path);
  });
  if (names.every((name) => name === runFileNames.lock)) return path;
  const message = `Expected a new folder for \`${path}\` but received one that exists`;
  throw new LmError('ERR_RUN_EXISTS', message, {
    hint: 'Runs are never overwritten: give another path, remove it yourself, or resume from its checkpoint.',
  });
}

/**
 * Creates the next free folder for runs of this name: base/name, base/name-2, base/name-3, … Processes that
 * ask at the same time get different ones.
 *
 * @returns the path of the new folder.
 * @throws ERR_CONFIG when the name is empty or has a path in it, ERR_FILE when the file system refuses.
 * @example
 * const folder = await nextRunFolder('runs', 'lm_resnet20');
 */
export async function nextRunFolder(base: string, name: string): Promise<string> {
  if (name === '' || name === '.' || name === '..' || /[/\\\0]/.test(name))
    throw expected('ERR_CONFIG', 'a name without a path', 'name', name);
  for (let n = 1; ; n++) {
    const path = join(base, n === 1 ? name : `${name}-${n}`);
    if (await makeFolder(path)) return path;
  }
}

/** How the names of TensorBoard's files begin. */
export const eventFilePrefix = 'events.out.tfevents.';

/**
 * Removes what a run left that ended before its first checkpoint: log, settings, events, what is half
 * written. Nothing else is touched.
 *
 * @throws ERR_FILE when the file system refuses.
 */
export async function clearRun(folder: string): Promise<void> {
  const { metrics, settings, evaluation, curves } = runFileNames;
  const own: readonly string[] = [metrics, settings, evaluation, curves];
  try {
    for (const name of await readdir(folder))
      if (own.includes(name) || name.startsWith(eventFilePrefix) || isTemporary(name))
        await rm(join(folder, name), { force: true });
  } catch (cause) {
    throw fileError(cause, 'a run folder that can be written to', folder);
  }
}

/** Makes a folder, parents too; false when something of this name was there. */
export async function makeFolder(path: string): Promise<boolean> {
  checkPath(path);
  try {
    await ensureFolder(dirname(path));
    await mkdir(path);
    return true;
  } catch (cause) {
    if (errnoOf(cause) === 'EEXIST' && (await exists(path))) return false;
    throw fileError(cause, 'a new folder', path);
  }
}

/** False where EEXIST meant a parent that is a file. */
async function exists(path: string): Promise<boolean> {
  return readdir(dirname(path)).then(
    () => true,
    () => false,
  );
}
