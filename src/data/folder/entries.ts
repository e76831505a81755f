/** What is in a folder, kind by kind. */
import type { Dirent } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { expected } from '../../errors.ts';
import { fileError } from '../../files.ts';
import { isImageEnding } from '../../images/imageFile.ts';
import { isHidden } from '../hidden.ts';

/** Names in a folder, each in the order of the file system. */
export interface Entries {
  /** Files that are called as images, links to such among them. */
  readonly images: readonly string[];
  /** Folders, links to such among them. */
  readonly folders: readonly string[];
  /** Whatever a program left there for itself: `.ipynb_checkpoints`, `._1.jpg`, `@eaDir`. */
  readonly hidden: readonly string[];
  /** Everything else: other files, broken links, FIFOs. */
  readonly others: readonly string[];
}

/**
 * Lists a folder.
 *
 * @throws ERR_FILE when it is missing or must not be read; ERR_DATASET for a name that is no UTF-8.
 */
export async function entriesOf(path: string): Promise<Entries> {
  const found = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw fileError(cause, 'a folder of images', path);
  });
  const images: string[] = [];
  const folders: string[] = [];
  const hidden: string[] = [];
  const others: string[] = [];
  for (const entry of found) {
    const { name } = entry;
    if (name.includes(unknownLetter)) await checkName(path, name, found);
    const link = entry.isSymbolicLink();
    const called = isImageEnding(extname(name).slice(1));
    if (isHidden(name)) hidden.push(name);
    else if (entry.isDirectory() || (link && !called && (await isFolder(join(path, name)))))
      folders.push(name);
    else if (called && (link || entry.isFile())) images.push(name);
    else others.push(name);
  }
  return { images, folders, hidden, others };
}

/** What Node reads in place of bytes that are no UTF-8. */
const unknownLetter = '\ufffd';

/** Refuses a name that stands for other bytes: no file would be found by it. */
async function checkName(folder: string, name: string, all: readonly Dirent[]): Promise<void> {
  const once = all.filter((other) => other.name === name).length === 1;
  if (once && (await lstat(join(folder, name)).catch(() => null)) !== null) return;
  throw expected('ERR_DATASET', 'names in UTF-8', folder, name, {
    hint: 'Rename the file; `convmv -t utf8` does this for a whole folder.',
  });
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
