/** Files: what an errno means, and a file that is replaced as a whole or not at all. */
import { randomBytes } from 'node:crypto';
import { type BigIntStats, constants, type Stats } from 'node:fs';
import { copyFile, type FileHandle, link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { expected, LmError } from './errors.ts';

/** What the common refusals of a file system mean, and what to do. */
const meanings: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or folder; check the path.',
  EACCES: 'Permission denied; check the owner and the mode of the file and of its folder.',
  EPERM: 'The operation is not permitted on this file.',
  EROFS: 'The file system is mounted read-only.',
  ENOSPC: 'The disk is full; free some space and repeat.',
  EDQUOT: 'The disk quota is used up; free some space and repeat.',
  EFBIG: 'The file is larger than the file system or the process may write.',
  EIO: 'The disk reported an error.',
  EISDIR: 'The path is a folder, not a file.',
  ENOTDIR: 'A part of the path is a file, not a folder.',
  ENOTEMPTY: 'The folder is not empty.',
  EEXIST: 'The file exists.',
  EMFILE: 'Too many files are open; raise the limit (ulimit -n).',
  ENFILE: 'Too many files are open on this machine.',
  ENAMETOOLONG: 'The path is too long.',
  ELOOP: 'The path runs in a circle of links.',
  EBUSY: 'The file is in use by the system.',
  ETXTBSY: 'The file is a program that is running.',
  ERR_FS_FILE_TOO_LARGE: 'The file has more than 2 GiB.',
  ERR_INVALID_ARG_VALUE: 'A path has no zero bytes.',
};

/** Codes of Node itself that say the same kind of thing. */
const nodeCodes = ['ERR_FS_FILE_TOO_LARGE', 'ERR_INVALID_ARG_VALUE'];

/**
 * A path as a shell has it: `~` and `~/` at its start are the home folder of this user.
 *
 * @throws ERR_CONFIG when there is none.
 * @example
 * expandHome('~/data'); // '/home/me/data'
 */
export function expandHome(path: string): string {
  if (path !== '~' && !path.startsWith('~/')) return path;
  try {
    return join(process.env.HOME || homedir(), path.slice(1));
  } catch (cause) {
    const message = `Expected a path without ~, for this user has no home folder, but received \`${path}\``;
    throw new LmError('ERR_CONFIG', message, { hint: 'Set HOME, or write the path in full.', cause });
  }
}

/** The code of an error of the file system (`ENOENT`), or undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return 'syscall' in error || nodeCodes.includes(error.code) ? error.code : undefined;
}

/**
 * An error of the file system as `LmError` ERR_FILE, with what the errno means as its hint; other errors pass
 * unchanged.
 *
 * @param what what was expected of the path, such as "a readable file".
 * @example
 * await readFile(path).catch((e) => { throw fileError(e, 'a readable file', path); });
 */
export function fileError(cause: unknown, what: string, path: string): unknown {
  const code = errnoOf(cause);
  if (code === undefined) return cause;
  const hint = meanings[code] ?? (cause instanceof Error ? cause.message : '');
  return new LmError('ERR_FILE', `Expected ${what} for \`${path}\` but received ${code}`, { hint, cause });
}

/**
 * Replaces a file as a whole or not at all: writes a temporary file in the same folder, flushes it to the
 * disk, renames it, and flushes the folder. On any failure the temporary file is removed and the old file is
 * untouched.
 *
 * @param write fills the new file; what it throws is passed on.
 * @throws ERR_FILE when the file system refuses: full, read-only, no such folder, not permitted; ERR_CONFIG
 *   for what is no path.
 * @example
 * await replaceFile('notes.txt', (file) => file.writeFile('hello'));
 */
export async function replaceFile(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  await replace(path, (temporary) => writeFlushed(temporary, write));
}

/**
 * Gives a file another name beside the one it has; a file of that name is replaced as a whole or not at all.
 * Where the file system has no links it is a copy.
 *
 * @throws ERR_FILE when the file system refuses.
 * @example
 * await linkFile('runs/a/checkpoint-100.safetensors', 'runs/a/best.safetensors');
 */
export async function linkFile(from: string, to: string): Promise<void> {
  await replace(to, async (temporary) => {
    await link(from, temporary).catch(() => copyFlushed(from, temporary));
  });
}

const temporaryName = /^\.[0-9a-f]{16}\.tmp$/;

/**
 * True for a name that `replaceFile` gives to a file under way: one that is left belonged to a process that
 * was killed.
 */
export function isTemporary(name: string): boolean {
  return temporaryName.test(name);
}

/**
 * Refuses what is no path, such as an argument or a variable of the environment that is not there.
 *
 * @throws ERR_CONFIG.
 */
export function checkPath(path: unknown, name = 'path'): void {
  if (typeof path !== 'string') throw expected('ERR_CONFIG', 'a path', name, path);
}

/**
 * Makes a folder and those above it, where they are not there. Node's own way never ends on a file system
 * that takes no new folders and says ENOENT, as /proc does.
 *
 * @throws what the file system says.
 */
export async function ensureFolder(path: string): Promise<void> {
  const refusal = await folderRefusal(path);
  if (refusal === null) return;
  if (errnoOf(refusal) !== 'ENOENT' || dirname(path) === path) throw refusal;
  await ensureFolder(dirname(path));
  const again = await folderRefusal(path);
  if (again !== null) throw again;
}

/** Why there is no such folder still; null where there is. */
async function folderRefusal(path: string): Promise<unknown> {
  try {
    await mkdir(path);
    return null;
  } catch (error) {
    const found = await stat(path).catch(() => null);
    return found?.isDirectory() ? null : error;
  }
}

async function replace(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
  checkPath(path);
  const folder = dirname(path);
  const temporary = join(folder, `.${randomBytes(8).toString('hex')}.tmp`);
  try {
    await make(temporary);
    await rename(temporary, path);
    await flushFolder(folder);
  } catch (cause) {
    throw fileError(cause, 'a writable file', path);
  } finally {
    // There after a failure, and where both names were of one file already: renaming then does nothing.
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

async function copyFlushed(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const file = await open(to, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeFlushed(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, 'wx+');
  try {
    await write(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a rename durable. Windows cannot flush a folder and does not need to. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Bytes per call of the file system, which moves less than 2 GiB at once. */
const pieceBytes = 64 * 2 ** 20;

/** Writes all bytes at a position of a file; returns the position behind them. */
export async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  for (let at = 0; at < bytes.length; ) {
    const length = Math.min(pieceBytes, bytes.length - at);
    at += (await file.write(bytes, at, length, position + at)).bytesWritten;
  }
  return position + bytes.length;
}

/** Fills `bytes` from a position of a file; returns how many there were: fewer where the file ends. */
export async function readAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  for (let at = 0; at < bytes.length; ) {
    const length = Math.min(pieceBytes, bytes.length - at);
    const { bytesRead } = await file.read(bytes, at, length, position + at);
    if (bytesRead === 0) return at;
    at += bytesRead;
  }
  return bytes.length;
}

/**
 * Opens a regular file for reading, works with it, and closes it. FIFOs and devices are never opened: that
 * may wait for ever, or do something.
 *
 * @throws ERR_FILE when it is missing, not permitted, or no regular file; ERR_CONFIG for what is no path;
 *   what `work` throws passes.
 */
export async function withFile<T>(
  path: string,
  work: (file: FileHandle, bytes: number) => Promise<T>,
): Promise<T> {
  checkPath(path);
  try {
    checkRegular(path, await stat(path));
    // Looked at again when it is open, for it may be another by then; to open a FIFO then does not wait.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    try {
      const found = await file.stat();
      checkRegular(path, found);
      return await work(file, found.size);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw fileError(cause, 'a readable file', path);
  }
}

/**
 * Refuses what is no regular file.
 *
 * @throws ERR_FILE.
 */
export function checkRegular(path: string, found: Stats | BigIntStats): void {
  if (found.isFile()) return;
  const [what, hint = 'Give a regular file: it is never opened, for it may wait for ever.'] =
    found.isDirectory()
      ? ['EISDIR', meanings.EISDIR]
      : found.isFIFO()
        ? ['a FIFO']
        : found.isSocket()
          ? ['a socket']
          : ['a device'];
  throw new LmError('ERR_FILE', `Expected a readable file for \`${path}\` but received ${what}`, { hint });
}

/** Bytes at the start of a file by which it may be told what it is. */
const startBytes = 32;

/**
 * Reads a regular file whole.
 *
 * @param bound the most bytes, or what they follow from: the first 32. A larger file is refused before it is
 *   read.
 * @throws ERR_FILE when it is missing, not permitted, no regular file, or larger.
 * @example
 * const text = (await readBounded('train.yaml', 2 ** 20)).toString();
 */
export function readBounded(path: string, bound: number | ((start: Buffer) => number)): Promise<Buffer> {
  return withFile(path, async (file, size) => {
    const start = Buffer.alloc(typeof bound === 'number' ? 0 : startBytes);
    const most = typeof bound === 'number' ? bound : bound(start.subarray(0, await readAt(file, start, 0)));
    if (size > most) throw tooLarge(path, size, most);
    const parts: Buffer[] = [];
    // Files of some file systems do not say their size: what is read counts too.
    for (let read = 0, length = size + 1; ; length = 2 ** 16) {
      const part = Buffer.allocUnsafe(length);
      const got = await readAt(file, part, read);
      read += got;
      if (read > most) throw tooLarge(path, read, most);
      parts.push(part.subarray(0, got));
      if (got < length) return parts.length === 1 ? part.subarray(0, got) : Buffer.concat(parts);
    }
  });
}

/** The error ERR_FILE of a file that is larger than is read. */
export function tooLarge(path: string, size: number, most: number): LmError {
  return new LmError('ERR_FILE', `Expected at most ${most} bytes for \`${path}\` but received ${size}`, {
    hint: 'Check the path: no sound file of this kind is so large.',
  });
}
