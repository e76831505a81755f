/** Gzipped tar archives, unpacked in memory: data sets as they are published. */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { LmError } from '../errors.ts';
import { fileError } from '../files.ts';
import { tarMembers } from './tar.ts';

/** A file out of an archive. */
export interface ArchivedFile {
  /** The archive's path and the name inside. */
  readonly path: string;
  /** Name inside the archive. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The largest archive that is unpacked, in bytes: several times the largest that is published. */
const maxBytes = 2 ** 31 - 1;

/**
 * Unpacks an archive, gzipped or not, into memory.
 *
 * @throws ERR_DATASET naming the archive when it is damaged or cut off, ERR_FILE when it cannot be read.
 * @example
 * const files = await readArchive('cifar-10-binary.tar.gz');
 */
export async function readArchive(path: string): Promise<ArchivedFile[]> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw fileError(cause, 'a readable archive', path);
  });
  const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const tar = gzipped ? await unpacked(bytes, path) : bytes;
  const read = (position: number, length: number): Uint8Array => tar.subarray(position, position + length);
  const members = tarMembers({ path, size: tar.length, read });
  return Array.from(members, ({ name, offset, size }) => ({
    path: `${path}:${name}`,
    name,
    bytes: read(offset, size),
  }));
}

async function unpacked(bytes: Uint8Array, path: string): Promise<Uint8Array> {
  return promisify(gunzip)(bytes, { maxOutputLength: maxBytes }).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new LmError(
      'ERR_DATASET',
      `Expected a sound archive for \`${path}\` but received one that is not: ${reason}`,
      {
        hint: 'Download it again, and compare its checksum with the published one.',
        cause,
      },
    );
  });
}
