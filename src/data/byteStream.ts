/**
 * The bytes of a file one after the other, unpacked where it is gzipped: no more of them than are asked for.
 */
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { LmError } from '../errors.ts';
import { errnoOf, readAt, withFile } from '../files.ts';
import { compressionOf } from './compression.ts';

/** Bytes in a row. */
export interface ByteStream {
  /** The next bytes; fewer where they end. Memory is taken for as many as are asked for. */
  take(length: number): Promise<Buffer>;
  /** Passes over bytes; returns how many there were. */
  skip(length: number): Promise<number>;
}

/** What is read of a file. */
export interface Streamed {
  readonly bytes: ByteStream;
  /** Bytes of the file on the disk. */
  readonly size: number;
  readonly gzipped: boolean;
}

/**
 * Opens a file, plain or gzipped (told by content), works with its bytes, and closes it.
 *
 * @param hint what to do about a damaged file.
 * @throws ERR_DATASET when a gzipped file is damaged or cut off within what is read, or is compressed
 *   otherwise; ERR_FILE; what `work` throws.
 */
export function withBytes<T>(path: string, hint: string, work: (file: Streamed) => Promise<T>): Promise<T> {
  return withFile(path, async (file, size) => {
    const start = Buffer.alloc(8);
    const packed = compressionOf(start.subarray(0, await readAt(file, start, 0)));
    if (packed !== null && packed !== 'gzip')
      throw new LmError(
        'ERR_DATASET',
        `Expected a plain or gzipped file for \`${path}\` but received one compressed by ${packed}`,
        { hint: 'Unpack it first.' },
      );
    const source = file.createReadStream({ start: 0, autoClose: false });
    // The error of the pipeline is that of its last part, which is read.
    const chunks = packed === null ? source : pipeline(source, createGunzip(), () => {});
    try {
      return await work({ bytes: streamOf(chunks), size, gzipped: packed !== null });
    } catch (cause) {
      throw isZlib(cause) ? damaged(path, cause, hint) : cause;
    } finally {
      chunks.destroy();
      source.destroy();
    }
  });
}

function streamOf(chunks: AsyncIterable<Buffer>): ByteStream {
  const iterator = chunks[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  /** Hands over so many bytes piece by piece. */
  const move = async (length: number, to: (piece: Buffer, at: number) => void): Promise<number> => {
    let done = 0;
    while (done < length) {
      if (rest.length === 0) {
        const { value, done: ended } = await iterator.next();
        if (ended) break;
        rest = value;
      }
      const piece = rest.subarray(0, length - done);
      to(piece, done);
      done += piece.length;
      rest = rest.subarray(piece.length);
    }
    return done;
  };
  return {
    skip: (length) => move(length, () => {}),
    take: async (length) => {
      const bytes = Buffer.allocUnsafe(length);
      return bytes.subarray(0, await move(length, (piece, at) => piece.copy(bytes, at)));
    },
  };
}

function isZlib(cause: unknown): cause is Error {
  return (
    cause instanceof Error &&
    'code' in cause &&
    String(cause.code).startsWith('Z_') &&
    errnoOf(cause) === undefined
  );
}

function damaged(path: string, cause: Error, hint: string): LmError {
  const message = `Expected a sound gzip file for \`${path}\` but received one that is damaged or cut off: ${cause.message}`;
  return new LmError('ERR_DATASET', message, { hint, cause });
}
