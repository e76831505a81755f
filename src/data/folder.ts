/**
 * Folders of images, one folder for each class: the layout of ImageNet and of torchvision's `ImageFolder`.
 */
import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { expected } from '../errors.ts';
import { fileError } from '../files.ts';
import { isImageEnding } from '../images/imageFile.ts';
import type { Split } from './datasets.ts';

/** Images found in a folder. */
export interface FolderIndex {
  /** Folder of the folders of the classes. */
  readonly root: string;
  /** Names of the classes: of their folders, sorted. */
  readonly classNames: readonly string[];
  /** Paths below `root`, class after class, in torchvision's order. */
  readonly names: readonly string[];
  readonly labels: Int32Array;
}

/** Folders in which a part is looked for. */
const partFolders = { train: ['train'], test: ['val', 'test', 'validation'] } as const;

/**
 * Lists the images of a folder; files are opened later. Other files are passed over.
 *
 * @param split which of the folders `train` and `val` (or `test`, `validation`) in it, where there are such;
 *   without them only 'train' is there: the folder itself.
 * @throws ERR_DATASET when there is no folder of a class or one is empty; ERR_FILE when a folder is missing
 *   or must not be read.
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
    const files = await imagesOf(root, name);
    if (files.length === 0)
      throw expected('ERR_DATASET', 'image files', join(root, name), 'a class without images', {
        hint: 'Remove the folder if there is no such class.',
      });
    for (const file of files) {
      names.push(file);
      labels.push(label);
    }
  }
  return { root, classNames, names, labels: Int32Array.from(labels) };
}

/** Whether a folder has a part to test on. */
export async function hasTestFolder(path: string): Promise<boolean> {
  const inside = await folders(path);
  return partFolders.test.some((name) => inside.includes(name));
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
  return (await entriesOf(path)).folders;
}

interface Entries {
  readonly files: readonly string[];
  readonly folders: string[];
}

/** Names of the files and folders in a folder, links among them. */
async function entriesOf(path: string): Promise<Entries> {
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw fileError(cause, 'a folder of images', path);
  });
  const files: string[] = [];
  const folders: string[] = [];
  for (const entry of entries) {
    const { name } = entry;
    const link = entry.isSymbolicLink();
    if (entry.isDirectory() || (link && !isImage(name) && (await isFolder(join(path, name)))))
      folders.push(name);
    else if (link || entry.isFile()) files.push(name);
  }
  return { files, folders };
}

/**
 * Image files of a class as paths below `root`: folder after folder, these sorted by their whole paths, as
 * torchvision does.
 */
async function imagesOf(root: string, name: string): Promise<string[]> {
  const found = await walk(root, name, [await realpath(root)]);
  return found.toSorted((a, b) => (a.folder < b.folder ? -1 : 1)).flatMap(({ files }) => files);
}

interface Found {
  readonly folder: string;
  /** Paths below the root, sorted. */
  readonly files: readonly string[];
}

async function walk(root: string, folder: string, above: readonly string[]): Promise<Found[]> {
  const path = join(root, folder);
  const { files, folders } = await entriesOf(path);
  const real = await realpath(path);
  if (above.includes(real))
    throw expected('ERR_DATASET', 'a folder of images', path, 'a link to one above it');
  const images = files.filter((name) => isImage(name)).toSorted();
  const found: Found[] = [{ folder, files: images.map((name) => `${folder}/${name}`) }];
  for (const name of folders) found.push(...(await walk(root, `${folder}/${name}`, [...above, real])));
  return found;
}

function isImage(name: string): boolean {
  return isImageEnding(extname(name).slice(1));
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
