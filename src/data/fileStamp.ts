/** What tells that a file is still the one whose contents were listed. */
import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { fileError } from '../files.ts';
import type { FileStamp } from '../native/binding.ts';

/** The stamp of an open file. */
export function stampOf(path: string, { size, mtimeNs }: BigIntStats): FileStamp {
  return { path, bytes: Number(size), modified: String(mtimeNs) };
}

/**
 * The stamp of the file that has a path now. To be taken before its contents are listed: what changes later
 * is noticed when it is read.
 *
 * @throws ERR_FILE when there is none.
 */
export async function stampFile(path: string): Promise<FileStamp> {
  const found = await stat(path, { bigint: true }).catch((cause: unknown) => {
    throw fileError(cause, 'a readable file', path);
  });
  return stampOf(path, found);
}
