/** Opens a data set from its description. */
import { expected } from '../errors.ts';
import type { ChannelStatistics } from '../loading/channelStatistics.ts';
import { Dataset, type OwnPart } from '../loading/dataset.ts';
import { must } from '../must.ts';
import type { NativeSourceSpec, RawSize } from '../native/binding.ts';
import { numberedClasses } from './classNumbers.ts';
import { loadDataset } from './datasets.ts';
import { indexFolder } from './folder/imageFolder.ts';
import { heldOut } from './holdOut.ts';
import { openRecords } from './records/open.ts';
import { checkFormats } from './scan.ts';
import {
  type DatasetSpec,
  type DatasetSpecInput,
  datasetSpec,
  type ImageFolderSpec,
  type NamedSpec,
  type RecordsSpec,
  type WebDatasetSpec,
  withWholePaths,
} from './spec.ts';
import { indexOwnShards, type OwnShards, type Sharers } from './tar/ownShards.ts';
import { indexShards } from './tar/webDataset.ts';

/** A data set before it is opened natively. */
export interface FoundData {
  readonly name: string;
  readonly classNames: readonly string[];
  readonly labels: Int32Array;
  readonly size: RawSize | null;
  /** Published mean and deviation of its pixels, where there are such. */
  readonly statistics?: ChannelStatistics | undefined;
  /** Paths in the folder or archive; null where images have no names. */
  readonly names: readonly string[] | null;
  /** What was taken for what, and what was passed over. */
  readonly notes: readonly string[];
  readonly source: Exclude<NativeSourceSpec, { readonly kind: 'stream' }>;
  /** Of shards that ranks split; else not there. */
  readonly part?: OwnPart;
}

/** Options of `openDataset`. */
export interface OpenOptions {
  /** The ranks that open it together, what `joinRanks` gave: only `splitShards` asks for them. */
  readonly ranks?: Sharers | null | undefined;
}

/**
 * Opens a data set: finds its files and checks what can be known before images are decoded.
 *
 * @param spec what and where, as `lm-resnet train --data` and configuration files have it: options, or
 *   `kind:path`. `~/` is the home folder.
 * @throws ERR_CONFIG for a wrong option; ERR_DATASET naming the file when something is missing, empty, cut
 *   off or inconsistent; ERR_FILE when it cannot be read.
 * @example
 * const holdOut = { fraction: 0.1 };
 * await using photos = await openDataset({ kind: 'imageFolder', path: 'photos', holdOut });
 * await using digits = await openDataset('mnist:~/data');
 */
export async function openDataset(
  spec: DatasetSpecInput | string,
  { ranks }: OpenOptions = {},
): Promise<Dataset> {
  return openSome(spec, { ranks: ranks ?? undefined });
}

/** What of a data set is opened. */
export interface Opening {
  /** Numbers of some of its images, by the labels; default: all. */
  readonly choose?: ((labels: Int32Array, classes: number) => Int32Array) | undefined;
  /**
   * Files of any format, to be looked at; default: those of formats that are not decoded natively are
   * refused.
   */
  readonly everyFormat?: boolean | undefined;
  /** Whether a folder of a class may be without images, as in what is tested on; default false. */
  readonly emptyClasses?: boolean | undefined;
  readonly ranks?: Sharers | undefined;
}

/** Opens a data set, or some of its images. @internal */
export async function openSome(
  spec: DatasetSpecInput | string,
  { choose, everyFormat = false, emptyClasses, ranks }: Opening = {},
): Promise<Dataset> {
  const parsed = datasetSpec(spec);
  const { transform, exif, sixteenBit } = parsed;
  const part = await findData(parsed, emptyClasses, ranks);
  const some = choose === undefined ? part : select(part, choose(part.labels, part.classNames.length));
  const { name, classNames, labels, size, statistics, notes } = some;
  const decoding = { exif, sixteenBit };
  const parts = { name, classNames, labels, size, statistics, transform, decoding, notes, part: some.part };
  const whole = choose === undefined ? withWholePaths(parsed) : null;
  const data = new Dataset({ ...parts, spec: whole && { ...whole } }, some.source);
  if (!everyFormat && parsed.kind !== 'records') await checkFormats(data).catch(closing(data));
  return data;
}

/** Closes a data set that cannot be used. */
function closing(data: Dataset): (error: unknown) => Promise<never> {
  return async (error) => {
    await data.close();
    throw error;
  };
}

/**
 * Finds the files of a data set, of every format.
 *
 * @param emptyClasses whether a folder of a class may be without images; default: in what is tested on.
 */
export async function findData(
  spec: DatasetSpec,
  emptyClasses: boolean = spec.split === 'test',
  ranks?: Sharers,
): Promise<FoundData> {
  const { holdOut, split } = spec;
  if (holdOut === undefined) return findWhole(spec, emptyClasses, ranks);
  if (spec.kind === 'webDataset' && spec.splitShards && ranks !== undefined)
    throw expected('ERR_CONFIG', 'no `holdOut` of shards that ranks split', 'data.splitShards', true, {
      hint: 'Test on shards of their own.',
    });
  const found = await findWhole({ ...spec, split: 'train' }, emptyClasses);
  return select(found, await heldOut(found, holdOut, split));
}

function findWhole(spec: DatasetSpec, emptyClasses: boolean, ranks?: Sharers): Promise<FoundData> {
  switch (spec.kind) {
    case 'imageFolder':
      return folderData(spec, emptyClasses);
    case 'webDataset':
      return shardData(spec, ranks);
    case 'records':
      return recordData(spec);
    default:
      return namedData(spec);
  }
}

async function namedData({ kind, path, split }: NamedSpec): Promise<FoundData> {
  const { images, labels, height, width, channels, classNames, name, statistics } = await loadDataset(
    kind,
    path,
    split,
  );
  const size = { height, width, channels };
  const source = { kind: 'memory' as const, images, labels, ...size };
  return { name, classNames, labels, size, statistics, names: null, notes: [], source };
}

async function folderData({ path, split }: ImageFolderSpec, emptyClasses: boolean): Promise<FoundData> {
  const { root, classNames, names, labels, notes } = await indexFolder(path, { split, emptyClasses });
  const source = { kind: 'files' as const, folder: root, names: ended(names), labels };
  return { name: root, classNames, labels, size: null, names, notes, source };
}

async function shardData(
  { path, classNames: given, window, split, splitShards }: WebDatasetSpec,
  ranks?: Sharers,
): Promise<FoundData> {
  if (split === 'test')
    throw expected(
      'ERR_CONFIG',
      'shards of their own, or `holdOut`, for the part to test on',
      'data.split',
      split,
    );
  const own = splitShards && ranks !== undefined ? await indexOwnShards(path, ranks) : undefined;
  const { files, table, labels, names } = own?.index ?? (await indexShards(path));
  const name = typeof path === 'string' ? path : (path[0] ?? '');
  const highest = own?.highest ?? labels.reduce((a, b) => Math.max(a, b), 0);
  if (given !== undefined && highest >= given.length)
    throw expected('ERR_DATASET', `labels below ${given.length}, the number of class names,`, name, highest);
  const classNames = given ?? numberedClasses(highest, labels.length, name);
  const found: FoundData = {
    name,
    classNames,
    labels,
    size: null,
    names,
    notes: [],
    source: { kind: 'ranges', files, table, labels, window },
  };
  return own === undefined ? found : sharedOf(found, own);
}

/** As many images as every rank has: the first ones. */
function sharedOf(found: FoundData, { count, part }: OwnShards): FoundData {
  const left = found.labels.length - count;
  if (left === 0) return { ...found, part };
  const notes = [
    `${found.name}: rank ${part.rank} leaves ${left} of its ${found.labels.length} images out, for another rank's shards have ${count}`,
  ];
  const first = Int32Array.from({ length: count }, (_, i) => i);
  return { ...select(found, first), notes, part };
}

async function recordData({ path, split }: RecordsSpec): Promise<FoundData> {
  if (split === 'test')
    throw expected(
      'ERR_CONFIG',
      'records of their own, or `holdOut`, for the part to test on',
      'data.split',
      split,
    );
  const { files, table, labels, names, classNames } = await openRecords(path);
  return {
    name: path,
    classNames,
    labels,
    size: null,
    names,
    notes: [],
    source: { kind: 'ranges', files, table, labels, window: 0 },
  };
}

/** Numbers in a row of the table of `ranges`. */
const columns = 5;

/** Some of the images, in their order. */
function select(found: FoundData, keep: Int32Array): FoundData {
  const labels = keep.map((i) => must(found.labels[i]));
  const { names: all } = found;
  const names = all === null ? null : Array.from(keep, (i) => must(all[i]));
  return { ...found, labels, names, source: { ...selectSource(found, keep, names ?? []), labels } };
}

function selectSource(
  { source, size }: FoundData,
  keep: Int32Array,
  names: readonly string[],
): FoundData['source'] {
  if (source.kind === 'files') return { ...source, names: ended(names) };
  if (source.kind === 'ranges') {
    const table = rowsOf(source.table, columns, keep, (length) => new Float64Array(length));
    const inOrder = keep.every((row, i) => i === 0 || row > (keep[i - 1] ?? 0));
    return { ...source, table, window: inOrder ? source.window : 0 }; // a window is one of files that follow each other
  }
  const bytes = size === null ? 0 : size.height * size.width * size.channels;
  return { ...source, images: rowsOf(source.images, bytes, keep, (length) => new Uint8Array(length)) };
}

function rowsOf<T extends Float64Array | Uint8Array>(
  from: T,
  width: number,
  keep: Int32Array,
  make: (length: number) => T,
): T {
  const out = make(keep.length * width);
  keep.forEach((row, i) => {
    out.set(from.subarray(row * width, (row + 1) * width), i * width);
  });
  return out;
}

/** Names as the native side takes them. */
function ended(names: readonly string[]): string {
  return names.map((name) => `${name}\0`).join('');
}
