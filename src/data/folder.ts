/** Folders of images, one folder for each class: the layout of ImageNet and of torchvision's `ImageFolder`. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expected, type LmError } from '../errors.ts';
import { fileError } from '../files.ts';
import type { Split } from './datasets.ts';

/** Images found in a folder. */
export interface FolderIndex {
  /** Folder of the folders of the classes. */
  readonly root: string;
  /** Names of the classes: of their folders, sorted. */
  readonly classNames: readonly string[];
  /** Paths below `root`, sorted, class after class. */
  readonly names: readonly string[];
  readonly labels: Int32Array;
}

const decoded = /\.(jpe?g|png)$/i;
/** What torchvision's ImageFolder takes as well. */
const others = /\.(ppm|bmp|pgm|tiff?|webp)$/i;

/** Folders in which a part is looked for. */
const partFolders = { train: ['train'], test: ['val', 'test', 'validation'] } as const;

/**
 * Lists the images of a folder; files are opened later. Other files are passed over.
 *
 * @param split which of the folders `train` and `val` (or `test`, `validation`) in it, where there are such; without them only
 *   'train' is there: the folder itself.
 * @throws ERR_DATASET when there is no folder of a class, one is empty, or an image has a format that only `pack` reads; ERR_FILE
 *   when a folder is missing or must not be read.
 * @example
 * const { names, labels, classNames } = await indexFolder('imagenet', 'train');
 */
export async function indexFolder(path: string, split: Split): Promise<FolderIndex> {
  const root = await partOf(path, split);
  const classNames = (await folders(root)).toSorted();
  if (classNames.length === 0)
    throw expected('ERR_DATASET', 'a folder for each class', root, 'a folder without folders', {
      hint: 'Sort the images into one folder for each class: root/cat/1.jpg, root/dog/1.jpg, …',
    });
  const names: string[] = [];
  const labels: number[] = [];
  for (const [label, name] of classNames.entries()) {
    const files = await imagesBelow(root, name);
    if (files.length === 0)
      throw expected('ERR_DATASET', 'JPEG or PNG files', join(root, name), 'a class without images', {
        hint: 'Remove the folder if there is no such class.',
      });
    for (const file of files) {
      names.push(file);
      labels.push(label);
    }
  }
  return { root, classNames, names, labels: Int32Array.from(labels) };
}

/** Whether a folder holds folders of parts, not of classes. */
export async function hasParts(path: string): Promise<boolean> {
  return areParts(await folders(path));
}

const areParts = (inside: readonly string[]): boolean =>
  Object.values(partFolders)
    .flat()
    .some((name) => inside.includes(name));

/** The folder of a part. */
async function partOf(path: string, split: Split): Promise<string> {
  const inside = await folders(path);
  if (!areParts(inside)) {
    if (split === 'train') return path;
    throw expected('ERR_DATASET', 'a folder val or test', path, 'a folder with one part only', {
      hint: 'Name the part to test on by itself, or hold some images out: holdOut: { fraction: 0.1 }.',
    });
  }
  const found = partFolders[split].find((name) => inside.includes(name));
  if (found !== undefined) return join(path, found);
  throw expected('ERR_DATASET', `a folder ${partFolders[split].join(' or ')}`, path, inside.join(', '));
}

async function folders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw fileError(cause, 'a folder of images', path);
  });
  const checked = await Promise.all(
    entries.map(
      async (entry) =>
        entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(join(path, entry.name)))),
    ),
  );
  return entries.filter((_, i) => checked[i]).map(({ name }) => name);
}

/** Image files in a folder and in the folders inside, sorted, as paths below `root`. */
async function imagesBelow(root: string, folder: string): Promise<string[]> {
  const path = join(root, folder);
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw fileError(cause, 'a folder of images', path);
  });
  const found: string[] = [];
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = `${folder}/${entry.name}`;
    if (decoded.test(name)) found.push(name);
    else if (entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(join(root, name)))))
      found.push(...(await imagesBelow(root, name)));
    else if (others.test(name)) throw foreign(join(root, name));
  }
  return found;
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function foreign(path: string): LmError {
  return expected('ERR_DATASET', 'JPEG and PNG files', path, 'another format', {
    hint: '`lm-resnet pack` reads every format that sharp does, and writes records that load faster.',
  });
}
