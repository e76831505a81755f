/**
 * A file that only grows: what is written lands in the order of the calls, and a failure is every later
 * call's too.
 */
import type { FileHandle } from 'node:fs/promises';
import { LmError } from '../errors.ts';
import { errnoOf, fileError } from '../files.ts';

/** An open file that is appended to. */
export interface AppendFile {
  /**
   * Appends text or bytes; they are the operating system's once the promise resolves.
   *
   * @throws ERR_FILE when the file system refuses (disk full); so do all later calls. ERR_CLOSED after
   *   `close`.
   */
  append(data: string | Uint8Array): Promise<void>;
  /** Flushes to the disk and closes; closing twice does nothing. */
  close(): Promise<void>;
}

/**
 * Appends to a file that is open for it; `path` is its name in messages. The file is closed by `close` alone.
 */
export function appendFile(file: FileHandle, path: string): AppendFile {
  let last: Promise<void> = Promise.resolve();
  let closed: Promise<void> | undefined;
  return {
    append(data) {
      if (closed !== undefined)
        return Promise.reject(
          new LmError('ERR_CLOSED', `Expected an open log for \`${path}\` but received a closed one`),
        );
      last = last
        .then(() => file.appendFile(data))
        .catch((cause: unknown) => {
          throw fileError(cause, 'a writable file', path);
        });
      return last;
    },
    close() {
      closed ??= finish(file, last, path);
      return closed;
    },
  };
}

/** Waits for what is under way (its errors went to the callers), flushes and closes. */
async function finish(file: FileHandle, last: Promise<void>, path: string): Promise<void> {
  try {
    await last.catch(() => undefined);
    await file.sync();
  } catch (cause) {
    if (errnoOf(cause) === 'EINVAL') return; // a pipe or a terminal has nothing to flush
    throw fileError(cause, 'a writable file', path);
  } finally {
    await file.close();
  }
}
