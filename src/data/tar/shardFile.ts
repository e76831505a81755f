/** An open tar shard. */
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { LmError, shellWord } from '../../errors.ts';
import { checkRegular, fileError } from '../../files.ts';
import type { FileStamp } from '../../native/binding.ts';
import { compressionOf } from '../compression.ts';
import { stampOf } from '../fileStamp.ts';
import type { TarBytes } from './tar.ts';

/** A shard, and what tells later whether it is still the same. */
export interface ShardFile extends TarBytes {
  readonly stamp: FileStamp;
  close(): void;
}

/**
 * Opens a shard.
 *
 * @throws ERR_DATASET when it is compressed; ERR_FILE when it is missing, not permitted, or no regular file.
 */
export function openShard(path: string): ShardFile {
  const orFileError = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw fileError(cause, 'a readable shard', path);
    }
  };
  orFileError(() => checkRegular(path, statSync(path)));
  const file = orFileError(() => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  const read = (position: number, length: number): Uint8Array => {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(
      0,
      orFileError(() => readSync(file, bytes, 0, length, position)),
    );
  };
  try {
    const stamp = stampOf(path, fstatSync(file, { bigint: true }));
    checkPlain(path, read(0, 8));
    return { path, size: stamp.bytes, read, stamp, close: () => closeSync(file) };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** A name for what is unpacked: "a.tar" for "a.tar.gz" and "a.tgz". */
function unpackedName(path: string): string {
  const plain = path.replace(/\.(?:gz|bz2|xz|zst|lz4)$/, '').replace(/\.t(?:gz|bz2?|xz|zst|lz4)$/, '.tar');
  return plain === path ? `${path.replace(/\.tar$/, '')}-unpacked.tar` : plain;
}

/** Images are read where they lie: a shard must be unpacked. */
function checkPlain(path: string, start: Uint8Array): void {
  const packed = compressionOf(start);
  if (packed === null) return;
  const unpack =
    packed === 'zip' || packed === '7z'
      ? 'Unpack it and make a tar archive of it.'
      : `Unpack it first: ${packed} -dc ${shellWord(path)} > ${shellWord(unpackedName(path))}`;
  throw new LmError(
    'ERR_DATASET',
    `Expected a plain tar archive for \`${path}\` but received one compressed by ${packed}`,
    { hint: unpack },
  );
}
