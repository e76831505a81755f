/**
 * Folders of images, one folder for each class: the layout of ImageNet and of torchvision's `ImageFolder`.
 */
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { firstFew, LmError } from '../../errors.ts';
import type { Split } from '../datasets.ts';
import { type Entries, entriesOf } from './entries.ts';
import { classesThatAreNoParts, findPart } from './parts.ts';
import { PassedOver } from './passedOver.ts';

/** Images found in a folder. */
export interface FolderIndex {
  /** Folder of the folders of the classes. */
  readonly root: string;
  /** Names of the classes: of their folders, sorted. */
  readonly classNames: readonly string[];
  /** Paths below `root`, class after class, in torchvision's order. */
  readonly names: readonly string[];
  readonly labels: Int32Array;
  /** What was taken for what, and what was passed over. */
  readonly notes: readonly string[];
}

/** How a folder is listed. */
export interface Listing {
  /** Which of its parts, where it has some: `findPart`. */
  readonly split: Split;
  /** Whether a class may be without images, as in what is tested on; default false. */
  readonly emptyClasses?: boolean | undefined;
}

/**
 * Lists the images of a folder; files are opened later. Hidden files and folders, and files of other names,
 * are passed over.
 *
 * @throws ERR_DATASET when there is no folder of a class, none has an image, or one has none that must;
 *   ERR_FILE when a folder is missing or must not be read.
 * @example
 * const { names, labels, classNames } = await indexFolder('imagenet', { split: 'train' });
 */
export async function indexFolder(path: string, listing: Listing): Promise<FolderIndex> {
  const { root, notes } = await findPart(path, listing.split);
  const inside = await entriesOf(root);
  const classNames = inside.folders.toSorted();
  if (classNames.length === 0)
    throw new LmError('ERR_DATASET', `Expected a folder for each class for \`${root}\` but received none`, {
      hint: 'Sort the images into one folder for each class: root/cat/1.jpg, root/dog/1.jpg, …',
    });
  const passed = new PassedOver();
  passed.add('no images', inside.others);
  passed.add('of no class', inside.images);
  passed.add('hidden', inside.hidden);
  const names: string[] = [];
  const labels: number[] = [];
  const empty: string[] = [];
  for (const [label, name] of classNames.entries()) {
    const files = await imagesOf(root, name, passed);
    if (files.length === 0) empty.push(name);
    for (const file of files) {
      names.push(file);
      labels.push(label);
    }
  }
  checkEmpty(root, classNames, empty, listing);
  const without = empty.length > 0 ? [`${root}: folders of classes without images: ${firstFew(empty)}`] : [];
  const found = { root, classNames, names, labels: Int32Array.from(labels) };
  return { ...found, notes: [...notes, ...passed.notes(root), ...without] };
}

function checkEmpty(
  root: string,
  classNames: readonly string[],
  empty: readonly string[],
  { emptyClasses = false }: Listing,
): void {
  const [first] = empty;
  if (first === undefined || (emptyClasses && empty.length < classNames.length)) return;
  const [path, what] =
    empty.length === classNames.length
      ? [root, `${classNames.length} classes without images`]
      : [join(root, first), 'a class without images'];
  const parts = classesThatAreNoParts(classNames);
  throw new LmError('ERR_DATASET', `Expected image files for \`${path}\` but received ${what}`, {
    hint: `${parts === undefined ? '' : `${parts}. `}Remove the folder if there is no such class.`,
  });
}

/**
 * Image files of a class as paths below `root`: folder after folder, these sorted by their whole paths, as
 * torchvision does.
 */
async function imagesOf(root: string, name: string, passed: PassedOver): Promise<string[]> {
  const found = await walk(root, name, [await realpath(root)], passed);
  return found.toSorted((a, b) => (a.folder < b.folder ? -1 : 1)).flatMap(({ files }) => files);
}

/** Image files in a folder and below it, without regard to classes. */
export interface ImagesBelow {
  /** Paths below the folder, folder after folder as in `indexFolder`. */
  readonly names: readonly string[];
  /** What was passed over. */
  readonly notes: readonly string[];
}

/**
 * Lists the image files in a folder and below it; what is hidden or called otherwise is passed over.
 *
 * @throws ERR_DATASET when there are none, ERR_FILE when a folder is missing or must not be read.
 */
export async function imagesBelow(root: string): Promise<ImagesBelow> {
  const passed = new PassedOver();
  const found = await walk(root, '', [], passed);
  const names = found.toSorted((a, b) => (a.folder < b.folder ? -1 : 1)).flatMap(({ files }) => files);
  if (names.length === 0)
    throw new LmError(
      'ERR_DATASET',
      `Expected image files for \`${root}\` but received a folder without any`,
    );
  return { names, notes: passed.notes(root) };
}

interface Found {
  readonly folder: string;
  /** Paths below the root, sorted. */
  readonly files: readonly string[];
}

async function walk(
  root: string,
  folder: string,
  above: readonly string[],
  passed: PassedOver,
): Promise<Found[]> {
  const path = join(root, folder);
  const entries: Entries = await entriesOf(path);
  const real = await realpath(path);
  if (above.includes(real))
    throw new LmError(
      'ERR_DATASET',
      `Expected a folder of images for \`${path}\` but received a link to one above it`,
    );
  const below = (name: string): string => (folder === '' ? name : `${folder}/${name}`);
  passed.add('no images', entries.others, below);
  passed.add('hidden', entries.hidden, below);
  const found: Found[] = [{ folder, files: entries.images.toSorted().map(below) }];
  for (const name of entries.folders)
    found.push(...(await walk(root, below(name), [...above, real], passed)));
  return found;
}
