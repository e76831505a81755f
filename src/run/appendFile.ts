/**
 * A file that only grows: what is written lands in the order of the calls, whole. What the file system
 * refuses is kept, and written before what comes next.
 */
import type { FileHandle } from 'node:fs/promises';
import { LmError } from '../errors.ts';
import { errnoOf, fileError } from '../files.ts';

/** An open file that is appended to. */
export interface AppendFile {
  /**
   * Appends text or bytes; they are the operating system's once the promise resolves.
   *
   * @throws ERR_FILE when the file system refuses (disk full): they are kept, and later calls and `close` try
   *   again. ERR_CLOSED after `close`.
   */
  append(data: string | Uint8Array): Promise<void>;
  /**
   * Flushes to the disk and closes; closing twice does nothing.
   *
   * @throws ERR_FILE when something could not be written.
   */
  close(): Promise<void>;
}

/**
 * Appends to a file that is open for it; `path` is its name in messages. The file is closed by `close` alone.
 */
export function appendFile(file: FileHandle, path: string): AppendFile {
  const refused = (cause: unknown): never => {
    throw fileError(cause, 'a writable file', path);
  };
  const tail = tailOf(file);
  let last: Promise<void> = Promise.resolve();
  let closed: Promise<void> | undefined;
  return {
    append(data) {
      if (closed !== undefined)
        return Promise.reject(
          new LmError('ERR_CLOSED', `Expected an open log for \`${path}\` but received a closed one`),
        );
      tail.add(data);
      last = last.catch(() => undefined).then(tail.flush);
      return last.catch(refused);
    },
    close() {
      closed ??= last
        .catch(() => undefined)
        .then(() => finish(file, tail))
        .catch(refused);
      return closed;
    },
  };
}

/** What a file still lacks. */
interface Tail {
  add(data: string | Uint8Array): void;
  /** Writes all of it or nothing: half of a line would spoil the next one. */
  flush(): Promise<void>;
}

function tailOf(file: FileHandle): Tail {
  let waiting: Buffer[] = [];
  /** Bytes of the file, as long as it ends with half of something. */
  let whole: number | undefined;
  return {
    add(data) {
      waiting.push(Buffer.from(data));
    },
    async flush() {
      const taken = waiting.length;
      if (taken === 0) return;
      if (whole !== undefined) await file.truncate(whole);
      const found = await file.stat();
      whole = found.isFile() ? found.size : undefined;
      await file.appendFile(Buffer.concat(waiting.slice(0, taken)));
      whole = undefined;
      waiting = waiting.slice(taken);
    },
  };
}

/** Writes what is left, flushes and closes. */
async function finish(file: FileHandle, tail: Tail): Promise<void> {
  try {
    await tail.flush();
    await file.sync();
  } catch (cause) {
    if (errnoOf(cause) !== 'EINVAL') throw cause; // a pipe or a terminal has nothing to flush
  } finally {
    await file.close();
  }
}
