/** The image files of a data set that is packed. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expected, LmError } from '../../errors.ts';
import { fileError, readAt, withFile } from '../../files.ts';
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
 * Finds the image files of a data set.
 *
 * @throws ERR_DATASET when it has none, ERR_FILE when one is missing.
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
    const { size } = await stat(path).catch((cause: unknown) => {
      throw fileError(cause, 'a readable image', path);
    });
    files.push({ name: own, label: must(labels[i]), path, offset: 0, length: size });
  }
  return files;
}

/**
 * The bytes of an image file.
 *
 * @throws ERR_FILE; ERR_DATASET when the file that holds it became shorter since it was listed.
 */
export async function bytesOf({ path, offset, length }: ImageFile): Promise<Uint8Array> {
  if (offset === 0) return readImageFile(path);
  return withFile(path, async (file) => {
    const bytes = new Uint8Array(length);
    if ((await readAt(file, bytes, offset)) === length) return bytes;
    throw new LmError(
      'ERR_DATASET',
      `Expected the file that was indexed for \`${path}\` but received one that became shorter`,
    );
  });
}
