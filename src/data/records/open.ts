/** Opens a folder of packed records. */
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { z } from 'zod';
import { readSafetensorsHeader } from '../../checkpoint/safetensors.ts';
import { LmError } from '../../errors.ts';
import { readBounded } from '../../files.ts';
import { parseJson } from '../../json.ts';
import type { FileStamp } from '../../native/binding.ts';
import { stampFile } from '../fileStamp.ts';
import {
  type Manifest,
  manifestName,
  manifestSchema,
  type RecordEntry,
  recordsVersion,
  shardName,
} from './format.ts';

/** Where the images of packed records are. */
export interface RecordIndex {
  readonly files: readonly FileStamp[];
  /** As `NativeSourceSpec` has it. */
  readonly table: Float64Array;
  readonly labels: Int32Array;
  readonly names: readonly string[];
  readonly classNames: readonly string[];
}

/** The largest manifest, in bytes. */
const maxManifest = 16 * 2 ** 20;
const natural = z.int().min(0);
const word = natural.max(2 ** 32 - 1);
const entrySchema: z.ZodType<RecordEntry> = z.object({
  name: z.string(),
  label: natural.max(2 ** 31 - 1),
  offset: natural,
  length: word,
  crc: word,
  rows: word,
});

/**
 * Reads the index of packed records and checks it; the images themselves are checked when they are read
 * first.
 *
 * @throws ERR_DATASET naming the file: no records, not complete, damaged, cut off, of a newer format;
 *   ERR_FILE when it cannot be read.
 * @example
 * const { labels, classNames } = await openRecords('imagenet.records');
 */
export async function openRecords(folder: string): Promise<RecordIndex> {
  const manifest = await readManifest(folder);
  if (!manifest.complete)
    throw damaged(
      folder,
      'records that are not complete',
      'Run the same `lm-resnet pack` again: it goes on where it was stopped.',
    );
  const files: FileStamp[] = [];
  const entries: RecordEntry[] = [];
  const rows: number[] = [];
  for (let number = 0; number < manifest.shards; number++) {
    const shard = await readShard(join(folder, shardName(number)));
    files.push(shard.stamp);
    for (const entry of shard.entries) {
      entries.push(entry);
      rows.push(number, shard.start + entry.offset, entry.length, entry.crc, entry.rows);
    }
  }
  if (entries.length !== manifest.count)
    throw damaged(folder, `${entries.length} records where ${manifestName} says ${manifest.count}`);
  const wrong = entries.find(({ label }) => label >= manifest.classNames.length);
  if (wrong !== undefined)
    throw damaged(
      folder,
      `"${wrong.name}" with label ${wrong.label} and ${manifest.classNames.length} classes`,
    );
  return {
    files,
    table: Float64Array.from(rows),
    labels: Int32Array.from(entries, ({ label }) => label),
    names: entries.map(({ name }) => name),
    classNames: manifest.classNames,
  };
}

/**
 * Reads the manifest of a folder of records.
 *
 * @throws ERR_DATASET when the folder has none or a newer or damaged one, ERR_FILE when it cannot be read.
 */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, manifestName);
  const text = (await readBounded(path, maxManifest)).toString();
  try {
    const manifest = manifestSchema.parse(parseJson(text));
    if (manifest.version <= recordsVersion) return manifest;
  } catch (cause) {
    throw damaged(path, 'another file', 'Give the folder that `lm-resnet pack` wrote.', cause);
  }
  throw damaged(path, 'one of a newer format', 'Update lm-resnet: npm install lm-resnet@latest.');
}

/** What a shard holds: its entries, and the first byte of their images in the file. */
export interface Shard {
  readonly entries: readonly RecordEntry[];
  readonly start: number;
  /** Of which packing it is. */
  readonly plan: string;
  /** Of the file whose index this is. */
  readonly stamp: FileStamp;
}

/**
 * Reads and checks the index of one shard.
 *
 * @throws ERR_DATASET, ERR_FILE.
 */
export async function readShard(path: string): Promise<Shard> {
  const stamp = await stampFile(path);
  const { metadata, tensors } = await header(path);
  const [data] = tensors;
  const { entries = '', crc, plan = '' } = metadata;
  if (data === undefined || tensors.length !== 1 || crc !== String(zlib.crc32(entries)))
    throw damaged(path, 'a shard whose index is damaged');
  const bytes = data.end - data.begin;
  const found = parseEntries(entries);
  if (
    found === null ||
    found.some(({ offset, length, rows }) => offset + length > bytes || 4 * rows > length)
  )
    throw damaged(path, 'a shard whose index does not fit its bytes');
  return { entries: found, start: stamp.bytes - bytes, plan, stamp };
}

function parseEntries(text: string): RecordEntry[] | null {
  try {
    // One by one: an error is made for each wrong one.
    return z
      .array(z.unknown())
      .parse(parseJson(text))
      .map((entry) => entrySchema.parse(entry));
  } catch {
    return null;
  }
}

async function header(path: string): ReturnType<typeof readSafetensorsHeader> {
  try {
    return await readSafetensorsHeader(path);
  } catch (cause) {
    if (cause instanceof LmError && cause.code === 'ERR_CHECKPOINT')
      throw damaged(path, 'a shard that is damaged or cut off', undefined, cause);
    throw cause;
  }
}

function damaged(
  path: string,
  received: string,
  hint = 'Copy it again, or pack the images again.',
  cause?: unknown,
): LmError {
  return new LmError('ERR_DATASET', `Expected packed records for \`${path}\` but received ${received}`, {
    hint,
    ...(cause === undefined ? {} : { cause }),
  });
}
