/**
 * The data sets this package knows by name: one row each, and the one function that loads them from a folder.
 */
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type KnownName, oneOf, type Suggesting } from '../check.ts';
import { LmError } from '../errors.ts';
import { checkPath } from '../files.ts';
import { readCifarSet } from './cifar.ts';
import { cifar10, cifar100, digits, fashion } from './classNames.ts';
import { readIdxSet } from './idx.ts';
import type { ImageSet } from './imageSet.ts';
import { type ArchivedFile, readArchive } from './tar/archive.ts';

/** Part of a data set. */
export type Split = 'train' | 'test';

type Importer<File> = (
  name: string,
  files: readonly File[],
  classNames: readonly string[],
) => Promise<ImageSet>;

/** What is known about a data set. */
export interface DatasetRow {
  /** Channels, height, width of an image. */
  readonly input: readonly [channels: number, height: number, width: number];
  readonly classes: number;
  readonly classNames: readonly string[];
  /** Mean and standard deviation per channel over the training images, pixels scaled to [0, 1]. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Files of each part. A file may also end in `.gz` (IDX), or stand in one of `folders`. */
  readonly files: Readonly<Record<Split, readonly string[]>>;
  /** Folders inside the given one in which the files are looked for, the folder itself first. */
  readonly folders: readonly string[];
  readonly read: Importer<string>;
  /** Archive that holds the files, as it is published; it may stay packed. */
  readonly archive?: { readonly file: string; readonly read: Importer<ArchivedFile> };
}

/** Name of a known data set. */
export type DatasetName = 'mnist' | 'fashion-mnist' | 'cifar10' | 'cifar100';

const idxFiles = {
  train: ['train-images-idx3-ubyte', 'train-labels-idx1-ubyte'],
  test: ['t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte'],
} as const;

/**
 * The known data sets. Means and deviations: those of MNIST are computed from its 60 000 training images (a
 * test repeats it), the others are the values in general use. Deviations are over all training pixels; the
 * smaller ones that circulate for CIFAR-10 (0.2023, 0.1994, 0.2010) are means of per-image deviations.
 *
 * @example
 * const { input, mean, std } = datasets.cifar10; // [3, 32, 32], …
 */
export const datasets: Readonly<Record<DatasetName, DatasetRow>> = {
  mnist: {
    input: [1, 28, 28],
    classes: 10,
    classNames: digits,
    mean: [0.1307],
    std: [0.3081],
    files: idxFiles,
    folders: ['', 'MNIST/raw'],
    read: readIdxSet,
  },
  'fashion-mnist': {
    input: [1, 28, 28],
    classes: 10,
    classNames: fashion,
    mean: [0.286],
    std: [0.353],
    files: idxFiles,
    folders: ['', 'FashionMNIST/raw'],
    read: readIdxSet,
  },
  cifar10: {
    input: [3, 32, 32],
    classes: 10,
    classNames: cifar10,
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.247, 0.2435, 0.2616],
    files: { train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`), test: ['test_batch.bin'] },
    folders: ['', 'cifar-10-batches-bin'],
    read: readCifarSet,
    archive: { file: 'cifar-10-binary.tar.gz', read: readCifarSet },
  },
  cifar100: {
    input: [3, 32, 32],
    classes: 100,
    classNames: cifar100,
    mean: [0.5071, 0.4865, 0.4409],
    std: [0.2673, 0.2564, 0.2762],
    files: { train: ['train.bin'], test: ['test.bin'] },
    folders: ['', 'cifar-100-binary'],
    read: readCifarSet,
    archive: { file: 'cifar-100-binary.tar.gz', read: readCifarSet },
  },
};

/** Names of the known data sets. */
export const datasetNames: readonly DatasetName[] = ['mnist', 'fashion-mnist', 'cifar10', 'cifar100'];

/**
 * Loads one part of a known data set from the folder its files were unpacked to. Nothing is downloaded.
 *
 * @param folder the folder of the files, or the one that torchvision's `root` names.
 * @throws ERR_UNKNOWN_NAME for an unknown name, ERR_DATASET listing the file names looked for when one is
 *   missing, or naming the file and its defect.
 * @example
 * const train = await loadDataset('cifar10', 'data', 'train'); // 50 000 images of 32 x 32 x 3
 */
export async function loadDataset<const N extends Suggesting<DatasetName>>(
  name: KnownName<N, DatasetName>,
  folder: string,
  split: Split,
): Promise<ImageSet> {
  const row = datasets[oneOf(name, datasetNames, 'data set')];
  const files = row.files[oneOf(split, ['train', 'test'], 'split')];
  checkPath(folder, 'folder');
  for (const sub of row.folders) {
    const paths = await Promise.all(files.map((file) => findFile(join(folder, sub), file)));
    const found = paths.filter((path) => path !== undefined);
    if (found.length === files.length) return known(row, await row.read(name, found, row.classNames));
  }
  const { archive } = row;
  const packed = archive === undefined ? undefined : await findFile(folder, archive.file);
  if (archive === undefined || packed === undefined) throw missing(name, folder, row, files);
  return known(row, await archive.read(name, await fromArchive(packed, files), row.classNames));
}

/** The images of a known data set, with what is known of them. */
function known({ mean, std }: DatasetRow, images: ImageSet): ImageSet {
  return { ...images, statistics: { mean, std } };
}

async function fromArchive(path: string, files: readonly string[]): Promise<ArchivedFile[]> {
  const members = await readArchive(path, (name) => files.includes(basename(name)));
  return files.map((file) => {
    const found = members.find(({ name }) => basename(name) === file);
    if (found !== undefined) return found;
    throw new LmError('ERR_DATASET', `Expected ${file} in \`${path}\` but received an archive without it`, {
      hint: 'Take the archive of the binary version; those for Python and Matlab are other formats.',
    });
  });
}

/** The path under which a file is there: as published, with the dot that some unpackers make, or gzipped. */
async function findFile(folder: string, file: string): Promise<string | undefined> {
  const dotted = file.replace(/-(idx\d)/, '.$1');
  for (const name of new Set([file, dotted, `${file}.gz`, `${dotted}.gz`])) {
    const path = join(folder, name);
    const there = await stat(path).catch(() => undefined);
    if (there?.isFile()) return path;
  }
  return undefined;
}

function missing(name: string, folder: string, row: DatasetRow, files: readonly string[]): LmError {
  const message = `Expected the files of ${name} for \`${folder}\` but received a folder without all of ${files.join(', ')}`;
  const places = row.folders.map((sub) => join(folder, sub)).join(', ');
  const packed =
    row.archive === undefined
      ? ' They may stay gzipped.'
      : ` ${row.archive.file} may also stay packed, in ${folder}.`;
  return new LmError('ERR_DATASET', message, {
    hint: `Unpack the published files into one of: ${places}.${packed}`,
  });
}
