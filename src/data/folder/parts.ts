/** Folders of folders of images that are parts of one data set: to train on, and to test on. */
import { join } from 'node:path';
import { expected, firstFew } from '../../errors.ts';
import type { Split } from '../datasets.ts';
import { type Entries, entriesOf } from './entries.ts';

/** What folders of a part are called, in small letters; the first that is there is taken. */
const calls = {
  train: ['train', 'training'],
  test: ['val', 'valid', 'validation', 'test', 'testing'],
} as const satisfies Record<Split, readonly string[]>;
const allCalls: readonly string[] = Object.values(calls).flat();

/** Where the images of a part are. */
export interface Part {
  /** Folder of the folders of its classes. */
  readonly root: string;
  /** What was taken for what, where that may surprise. */
  readonly notes: readonly string[];
}

/**
 * The folder of a part. A folder has parts if all folders in it are called as such (`train`, `val`, `test`,
 * in any case): a class `train` beside a class `cat` is a class. To test on is `val`, `valid`, `validation`
 * or `test`: the first of them that is there and has folders of classes in it. Without parts only 'train' is
 * there: the folder itself.
 *
 * @throws ERR_DATASET when it has no such part; ERR_FILE when the folder is missing or must not be read.
 */
export async function findPart(path: string, split: Split): Promise<Part> {
  const entries = await entriesOf(path);
  const { folders } = entries;
  if (!areParts(folders)) return { root: path, notes: wholeAs(split, path, folders) };
  const found = { train: ordered(folders, 'train')[0], test: await partToTestOn(path, folders) };
  const name = found[split];
  if (name !== undefined) return { root: join(path, name), notes: unusedNotes(path, entries, found) };
  const wanted = split === 'train' ? 'a folder train' : 'a folder val or test with a folder for each class';
  throw expected('ERR_DATASET', wanted, path, folders.join(', '));
}

/** Whether a folder has a part to test on. */
export async function hasTestFolder(path: string): Promise<boolean> {
  const { folders } = await entriesOf(path);
  return areParts(folders) && (await partToTestOn(path, folders)) !== undefined;
}

/** The notes on a folder without parts, of which only 'train' may be wanted. */
function wholeAs(split: Split, path: string, folders: readonly string[]): string[] {
  const said = classesThatAreNoParts(folders);
  if (split === 'train') return said === undefined ? [] : [`${path}: ${said}`];
  throw expected('ERR_DATASET', 'a folder val or test', path, 'a folder with one part only', {
    hint: [
      ...(said === undefined ? [] : [`${said}.`]),
      'Name the part to test on by itself, or hold some images out: holdOut: { fraction: 0.1 }.',
    ].join(' '),
  });
}

/** What folders called as parts are where others are beside them; undefined where there are none. */
export function classesThatAreNoParts(folders: readonly string[]): string | undefined {
  const parts = folders.filter(isCalledPart);
  const [other] = folders.filter((name) => !isCalledPart(name)).toSorted();
  if (parts.length === 0 || other === undefined) return undefined;
  return `Here ${firstFew(parts.toSorted())} ${parts.length === 1 ? 'is a class' : 'are classes'} and no part, for "${other}" is none`;
}

function areParts(folders: readonly string[]): boolean {
  return folders.length > 0 && folders.every(isCalledPart);
}

function isCalledPart(name: string): boolean {
  return allCalls.includes(name.toLowerCase());
}

/** The folders that are called as a part, the one to take first: of one call that in small letters. */
function ordered(folders: readonly string[], split: Split): string[] {
  return calls[split].flatMap((call) =>
    folders
      .filter((name) => name.toLowerCase() === call)
      .toSorted()
      .toReversed(),
  );
}

/** Test images of contests lie in one folder, for their classes are secret: that is no part to test on. */
async function partToTestOn(path: string, folders: readonly string[]): Promise<string | undefined> {
  for (const name of ordered(folders, 'test'))
    if ((await entriesOf(join(path, name))).folders.length > 0) return name;
  return undefined;
}

function unusedNotes(
  path: string,
  { folders, images, others, hidden }: Entries,
  { train, test }: Readonly<Record<Split, string | undefined>>,
): string[] {
  const unused = folders.filter((name) => name !== train && name !== test);
  const all = [unused, [...images, ...others], hidden].flatMap((names) => names.toSorted());
  if (all.length === 0) return [];
  const used = [train, test].filter((name) => name !== undefined);
  return [`${path}: used are ${used.join(' and ')}; not used: ${firstFew(all)}`];
}
