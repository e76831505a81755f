/** The image files of a data set that is packed. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expected, isLmError, LmError } from '../../errors.ts';
import { errnoOf, readAt, withFile } from '../../files.ts';
import { readImageFile } from '../../images/imageFile.ts';
import { must } from '../../must.ts';
import type { FoundData } from '../open.ts';

/** An image file to be packed, or the part of a file that holds it. */
export interface ImageFile {
  readonly name: string;
  readonly label: number;
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * Finds the image files of a data set; one whose size cannot be read, such as a dangling link, has none: what
 * is wrong with it is told when it is read.
 *
 * @throws ERR_DATASET when it has none.
 */
export async function listImages({ source, names, labels, name }: FoundData): Promise<ImageFile[]> {
  if (source.kind === 'memory' || names === null)
    throw expected('ERR_DATASET', 'a data set of image files', 'data', name, {
      hint: 'Pixels in memory need no packing.',
    });
  if (source.kind === 'ranges')
    return names.map((own, i) => {
      const column = (k: number): number => must(source.table[5 * i + k]);
      const [file, start, bytes, rows] = [column(0), column(1), column(2), column(4)];
      const place = { offset: start + 4 * rows, length: bytes - 4 * rows };
      return { name: own, label: must(labels[i]), path: must(source.files[file]).path, ...place };
    });
  const files: ImageFile[] = [];
  for (const [i, own] of names.entries()) {
    const path = join(source.folder, own);
    const length = await stat(path).then(
      ({ size }) => size,
      () => 0,
    );
    files.push({ name: own, label: must(labels[i]), path, offset: 0, length });
  }
  return files;
}

/** What the machine lacks at this moment, and no file is to blame for. */
const shortages = ['EMFILE', 'ENFILE', 'ENOMEM'];

/**
 * The bytes of an image file.
 *
 * @throws ERR_IMAGE when the file cannot be read; ERR_FILE when the one that holds it and others cannot, or
 *   the machine is short of something; ERR_DATASET when the file that holds it became shorter since it was
 *   listed.
 */
export async function bytesOf({ path, offset, length }: ImageFile): Promise<Uint8Array> {
  if (offset === 0)
    return readImageFile(path).catch((cause: unknown) => {
      if (!isLmError(cause, 'ERR_FILE') || shortages.includes(errnoOf(cause.cause) ?? '')) throw cause;
      throw new LmError('ERR_IMAGE', cause.message, { cause });
    });
  return withFile(path, async (file) => {
    const bytes = new Uint8Array(length);
    if ((await readAt(file, bytes, offset)) === length) return bytes;
    throw new LmError(
      'ERR_DATASET',
      `Expected the file that was indexed for \`${path}\` but received one that became shorter`,
    );
  });
}
