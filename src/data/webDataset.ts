/** WebDataset: tar shards in which the files of a sample follow each other and share a name up to its first dot. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { LmError } from '../errors.ts';
import { checkRegular, fileError } from '../files.ts';
import type { FileStamp } from '../native/binding.ts';
import { expandPath } from './braces.ts';
import { stampOf } from './fileStamp.ts';
import { type TarBytes, type TarMember, tarMembers } from './tar.ts';

/** Where the images of shards are. */
export interface ShardIndex {
  readonly files: readonly FileStamp[];
  /** As `NativeSourceSpec` has it. */
  readonly table: Float64Array;
  readonly labels: Int32Array;
  /** Names of the images inside their shards. */
  readonly names: readonly string[];
}

const imageEnds = /^(jpe?g|png)$/i;
/** Headers that are read before other work gets its turn. */
const headersAtOnce = 2000;

/**
 * Finds the images and labels of local shards; reads headers and labels only.
 *
 * @throws ERR_DATASET naming the shard and sample: cut off, an image without label or the other way round, a label that is no
 *   number; ERR_FILE when a shard is missing or must not be read.
 * @example
 * const { labels } = await indexShards('train-{000..146}.tar');
 */
export async function indexShards(path: string | readonly string[]): Promise<ShardIndex> {
  const paths: string[] = [];
  for (const pattern of typeof path === 'string' ? [path] : path) paths.push(...(await expandPath(pattern)));
  const rows: number[] = [];
  const labels: number[] = [];
  const names: string[] = [];
  const files: FileStamp[] = [];
  for (const [number, path] of paths.entries()) {
    const shard = openShard(path);
    try {
      files.push(shard.stamp);
      for await (const { image, label } of samplesOf(shard)) {
        rows.push(number, image.offset, image.size, 0, 0);
        labels.push(label);
        names.push(image.name);
      }
    } finally {
      shard.close();
    }
    if (rows.at(-5) !== number)
      throw wrong(path, 'no sample', 'A sample is a pair such as 0001.jpg and 0001.cls.');
  }
  return { files, table: Float64Array.from(rows), labels: Int32Array.from(labels), names };
}

interface ShardSample {
  readonly image: TarMember;
  readonly label: number;
}

async function* samplesOf(archive: TarBytes): AsyncGenerator<ShardSample, void> {
  let key: string | undefined;
  let members: TarMember[] = [];
  let read = 0;
  for (const member of tarMembers(archive)) {
    if (++read % headersAtOnce === 0) await setImmediate();
    const own = keyOf(member.name);
    if (own !== key && members.length > 0) yield sampleOf(archive, key ?? '', members);
    members = own === key ? [...members, member] : [member];
    key = own;
  }
  if (members.length > 0) yield sampleOf(archive, key ?? '', members);
}

function sampleOf(archive: TarBytes, key: string, members: readonly TarMember[]): ShardSample {
  const image = members.find(({ name }) => imageEnds.test(endOf(name)));
  const label = members.find(({ name }) => endOf(name).toLowerCase() === 'cls');
  const ends = members.map(({ name }) => `.${endOf(name)}`).join(', ');
  if (image === undefined)
    throw wrong(archive.path, `"${key}" with ${ends} and no image`, 'Images are .jpg, .jpeg or .png files.');
  if (label === undefined)
    throw wrong(
      archive.path,
      `"${key}" with ${ends} and no .cls`,
      'The class of an image is a number in a .cls file.',
    );
  const text = Buffer.from(archive.read(label.offset, Math.min(label.size, 32)))
    .toString('utf8')
    .trim();
  if (/^\d{1,9}$/.test(text)) return { image, label: Number(text) };
  throw wrong(archive.path, `"${key}" with the class "${text}"`, 'A .cls file holds one number from 0.');
}

/** The name up to the first dot behind the last slash. */
function keyOf(name: string): string {
  return name.replace(/^(.*\/)?([^/.]*).*$/s, '$1$2');
}

/** What stands behind that dot. */
function endOf(name: string): string {
  return name.slice(keyOf(name).length + 1);
}

interface OpenShard extends TarBytes {
  readonly stamp: FileStamp;
  close(): void;
}

function openShard(path: string): OpenShard {
  const orFileError = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw fileError(cause, 'a readable shard', path);
    }
  };
  orFileError(() => checkRegular(path, statSync(path)));
  const file = orFileError(() => openSync(path, 'r'));
  const read = (position: number, length: number): Uint8Array => {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(
      0,
      orFileError(() => readSync(file, bytes, 0, length, position)),
    );
  };
  const stamp = stampOf(path, fstatSync(file, { bigint: true }));
  return { path, size: stamp.bytes, read, stamp, close: () => closeSync(file) };
}

function wrong(path: string, received: string, hint: string): LmError {
  return new LmError(
    'ERR_DATASET',
    `Expected pairs of image and class for \`${path}\` but received ${received}`,
    { hint },
  );
}
