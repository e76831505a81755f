/**
 * The lock of a run folder: a file that is locked by the operating system, so that it is free again however
 * its process ends. Other machines that share the folder see it where their file system shares locks (NFS).
 */
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { LmError } from '../errors.ts';
import { errnoOf, fileError } from '../files.ts';
import { native } from '../native/load.ts';
import { runFileNames } from './folder.ts';

/** A run folder that one training works in, and no other. */
export interface RunLock {
  /** Lets others work in the folder; a second call does nothing. */
  release(): Promise<void>;
}

/**
 * Takes a run folder; where its file system has no locks, it is only marked as taken.
 *
 * @throws ERR_BUSY naming the process that works in it, ERR_FILE when the file system refuses.
 */
export async function lockRun(folder: string): Promise<RunLock> {
  const path = join(folder, runFileNames.lock);
  try {
    for (;;) {
      const file = await open(path, 'a+');
      if (await take(file, folder, path)) return held(file, path);
    }
  } catch (cause) {
    throw fileError(cause, 'a run folder that can be written to', folder);
  }
}

/** Locks the file and says in it who did; false where it was removed since it was opened, and is closed. */
async function take(file: FileHandle, folder: string, path: string): Promise<boolean> {
  let kept = false;
  try {
    if (native().lockFile(file.fd) === 'busy') throw busy(folder, await file.readFile('utf8'));
    kept = await isOf(path, file);
    if (!kept) return false;
    await file.truncate(0);
    await file.appendFile(`process ${process.pid} on ${hostname()}\n`);
    return true;
  } catch (error) {
    kept = false;
    throw error;
  } finally {
    if (!kept) await file.close();
  }
}

async function isOf(path: string, file: FileHandle): Promise<boolean> {
  const [here, there] = await Promise.all([
    file.stat(),
    stat(path).catch((cause: unknown) => {
      if (errnoOf(cause) === 'ENOENT') return null;
      throw cause;
    }),
  ]);
  return there !== null && here.ino === there.ino && here.dev === there.dev;
}

function held(file: FileHandle, path: string): RunLock {
  let released: Promise<void> | undefined;
  const release = async (): Promise<void> => {
    try {
      // While it is locked: whoever opened it before finds that it is gone.
      if (await isOf(path, file)) await rm(path, { force: true });
    } catch {
      // A file without a lock is in nobody's way.
    } finally {
      await file.close();
    }
  };
  return { release: () => (released ??= release()) };
}

function busy(folder: string, holder: string): LmError {
  const who = holder.trim() === '' ? 'another process' : holder.trim().slice(0, 300);
  const message = `Expected a run folder that no other training works in for \`${folder}\` but received one that ${who} does`;
  return new LmError('ERR_BUSY', message, { hint: 'Wait for its end, or end it; it leaves a checkpoint.' });
}
