/** Packs the images of a data set into records that load fast. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { z } from 'zod';
import { parseOptions } from '../../check.ts';
import { writeSafetensors } from '../../checkpoint/safetensors.ts';
import { availableCores } from '../../cores.ts';
import { expected, isLmError, LmError } from '../../errors.ts';
import { checkPath, ensureFolder, errnoOf, fileError, replaceFile } from '../../files.ts';
import { must } from '../../must.ts';
import type { BadImage } from '../../native/binding.ts';
import type { DecodingInput } from '../../transforms/decoding.ts';
import { findData } from '../open.ts';
import { type DatasetSpecInput, datasetSpec } from '../spec.ts';
import { encodeImage, type Payload } from './encode.ts';
import {
  type Manifest,
  manifestName,
  maxIndex,
  type RecordEntry,
  recordsVersion,
  shardName,
} from './format.ts';
import { bytesOf, type ImageFile, listImages } from './images.ts';
import { readManifest, readShard } from './open.ts';

/** Options of `pack`. */
export interface PackOptions {
  /**
   * Shorter side in pixels to which larger images are made smaller (as JPEG); default: they keep their size
   * and pixels.
   */
  readonly resize?: number | undefined;
  /** Quality of the JPEG files that `resize` makes, default 90. */
  readonly quality?: number | undefined;
  /** Bytes of image files in one shard, default 128 MiB. */
  readonly shardBytes?: number | undefined;
  /** An image that cannot be read or decoded is left out and told of (default), or ends the work. */
  readonly onBadImage?: 'skip' | 'throw' | undefined;
  /** Images that are packed at a time; default: the available cores. */
  readonly workers?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called now and then; `found` images of those done are in shards that an earlier run had written. */
  readonly onProgress?: ((done: number, total: number, found: number) => void) | undefined;
}

/** What was packed. */
export interface PackResult {
  readonly count: number;
  readonly shards: number;
  readonly bytes: number;
  /** Shards that an earlier, stopped run had written. */
  readonly kept: number;
  /** Images that were left out. */
  readonly bad: readonly BadImage[];
  /** What was taken for what in the data set, and what was passed over. */
  readonly notes: readonly string[];
}

const packSchema = z.object({
  resize: z.int().min(8).max(16_384).optional(),
  quality: z.int().min(1).max(100).default(90),
  shardBytes: z
    .int()
    .min(1)
    .default(128 * 2 ** 20),
  onBadImage: z.enum(['skip', 'throw']).default('skip'),
  workers: z.int().min(1).max(1024).optional(),
});

type Settings = z.output<typeof packSchema> & DecodingInput;

/**
 * Packs a data set of image files into a new folder of records. Stopped or killed at any moment, the same
 * call goes on with the shard that is missing; a shard is there as a whole or not at all.
 *
 * @param spec the data set, as `openDataset` takes it; its transform is not applied.
 * @throws ERR_DATASET when it has no files of images, or `folder` holds records of other images or options;
 *   ERR_IMAGE for a bad image with `onBadImage: 'throw'`; ERR_ABORTED; ERR_FILE when the file system refuses;
 *   ERR_CONFIG.
 * @example
 * await pack({ kind: 'imageFolder', path: 'imagenet', split: 'train' }, 'train.records', { resize: 400 });
 */
export async function pack(
  spec: DatasetSpecInput | string,
  folder: string,
  options: PackOptions = {},
): Promise<PackResult> {
  checkPath(folder, 'folder');
  const { signal, onProgress, ...rest } = options;
  const parsed = datasetSpec(spec);
  const { exif, sixteenBit } = parsed;
  const settings: Settings = { ...parseOptions(packSchema, rest, 'pack'), exif, sixteenBit };
  const { resize, quality, shardBytes, onBadImage } = settings;
  const found = await findData(parsed, true);
  const images = await listImages(found);
  const shards = cut(images, shardBytes);
  const plan = createHash('sha256')
    .update(
      JSON.stringify([
        recordsVersion,
        { resize, quality, exif, sixteenBit },
        shardBytes,
        found.classNames,
        images.map(({ name, label, length }) => [name, label, length]),
      ]),
    )
    .digest('hex');
  const manifest: Manifest = {
    format: 'lm-resnet records',
    version: recordsVersion,
    complete: false,
    plan,
    classNames: found.classNames,
    shards: shards.length,
    count: null,
  };
  await begin(folder, manifest);
  const state = { done: 0, found: 0, count: 0, bytes: 0, kept: 0, bad: new Map<string, string>() };
  for (const [number, shard] of shards.entries()) {
    const path = join(folder, shardName(number));
    const there = await shardThere(path, plan);
    const kept = there !== null && (onBadImage === 'skip' || there.length === shard.length);
    const entries = kept
      ? there
      : await writeShard(path, shard, settings, {
          plan,
          signal,
          bad: state.bad,
          told: () => onProgress?.(++state.done, images.length, state.found),
        });
    if (kept) {
      const names = new Set(entries.map(({ name }) => name));
      for (const { name } of shard) if (!names.has(name)) state.bad.set(name, 'left out by an earlier run');
      state.kept++;
      state.done += shard.length;
      state.found += shard.length;
      onProgress?.(state.done, images.length, state.found);
    }
    state.count += entries.length;
    state.bytes += entries.reduce((sum, { length }) => sum + length, 0);
  }
  if (state.count === 0) throw expected('ERR_DATASET', 'an image that can be decoded', found.name, 'none');
  await writeManifest(folder, { ...manifest, complete: true, count: state.count });
  const bad = [...state.bad].map(([name, reason]) => ({ name, reason }));
  const { count, bytes, kept } = state;
  return { count, shards: shards.length, bytes, kept, bad, notes: found.notes };
}

/** What an entry of an index takes beside its name, in letters, at most. */
const entryLetters = 160;

/** Neighbours whose files come to about so many bytes, and their index to no more than is read again. */
function cut(images: readonly ImageFile[], shardBytes: number): ImageFile[][] {
  const shards: ImageFile[][] = [];
  let [bytes, index] = [Number.POSITIVE_INFINITY, 0];
  for (const image of images) {
    const letters = entryLetters + 2 * image.name.length;
    if (bytes + image.length > shardBytes || index + letters > maxIndex) {
      shards.push([]);
      [bytes, index] = [0, 0];
    }
    shards.at(-1)?.push(image);
    bytes += image.length;
    index += letters;
  }
  return shards;
}

/** Makes the folder, or finds the one of the same plan. */
async function begin(folder: string, manifest: Manifest): Promise<void> {
  await ensureFolder(folder).catch((cause: unknown) => {
    throw fileError(cause, 'a new folder', folder);
  });
  const old = await readManifest(folder).catch((error: unknown) => {
    if (isLmError(error, 'ERR_FILE') && errnoOf(error.cause) === 'ENOENT') return null;
    throw error;
  });
  if (old === null) return writeManifest(folder, manifest);
  if (old.plan === manifest.plan) return;
  throw new LmError(
    'ERR_DATASET',
    `Expected a new folder for \`${folder}\` but received records of other images or options`,
    { hint: 'Give another folder, or remove this one.' },
  );
}

function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  return replaceFile(join(folder, manifestName), (file) => file.writeFile(`${JSON.stringify(manifest)}\n`));
}

/**
 * The entries of a shard that an earlier run of the same plan wrote; null when there is none or it is
 * damaged.
 */
async function shardThere(path: string, plan: string): Promise<readonly RecordEntry[] | null> {
  try {
    const shard = await readShard(path);
    return shard.plan === plan ? shard.entries : null;
  } catch (error) {
    if (
      isLmError(error, 'ERR_DATASET') ||
      (isLmError(error, 'ERR_FILE') && errnoOf(error.cause) === 'ENOENT')
    )
      return null;
    throw error;
  }
}

interface Watch {
  readonly plan: string;
  readonly signal: AbortSignal | undefined;
  readonly told: () => void;
  readonly bad: Map<string, string>;
}

async function writeShard(
  path: string,
  images: readonly ImageFile[],
  settings: Settings,
  watch: Watch,
): Promise<RecordEntry[]> {
  const payloads = await inParallel(images, settings.workers ?? availableCores(), async (image) => {
    if (watch.signal?.aborted)
      throw new LmError('ERR_ABORTED', 'Packing was aborted', {
        hint: 'The same call goes on with the shards that are missing.',
        cause: watch.signal.reason,
      });
    const payload = await packImage(image, settings, watch.bad);
    watch.told();
    return payload;
  });
  const entries: RecordEntry[] = [];
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [i, payload] of payloads.entries()) {
    if (payload === null) continue;
    const { bytes, crc, rows } = payload;
    const { name, label } = must(images[i]);
    entries.push({ name, label, offset, length: bytes.length, crc, rows });
    parts.push(bytes);
    offset += bytes.length;
  }
  const index = JSON.stringify(entries);
  const data = {
    name: 'data',
    dtype: 'U8' as const,
    shape: [offset],
    data: new Uint8Array(Buffer.concat(parts)),
  };
  await writeSafetensors(path, [data], { entries: index, crc: String(zlib.crc32(index)), plan: watch.plan });
  return entries;
}

async function packImage(
  image: ImageFile,
  settings: Settings,
  bad: Map<string, string>,
): Promise<Payload | null> {
  try {
    return await encodeImage(await bytesOf(image), settings);
  } catch (error) {
    if (!isLmError(error, 'ERR_IMAGE')) throw error;
    if (settings.onBadImage === 'throw')
      throw new LmError(
        'ERR_IMAGE',
        `Expected an image that can be read and decoded for \`${image.path}\` but received one that cannot: ${error.message}`,
        { cause: error },
      );
    bad.set(image.name, error.message);
    return null;
  }
}

/** Results in the order of the items, so many at work at a time; the first failure ends it. */
async function inParallel<T, R>(
  items: readonly T[],
  workers: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    try {
      for (let i = next++; i < items.length; i = next++) {
        const item = items[i];
        if (item !== undefined) results[i] = await work(item);
      }
    } finally {
      next = items.length; // after a failure the others begin no more
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, items.length) }, worker));
  return results;
}
