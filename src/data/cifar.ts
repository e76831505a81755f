/**
 * The binary version of CIFAR-10 and CIFAR-100: records of one label byte (CIFAR-100: coarse, then fine) and
 * 3072 bytes of a 32 x 32 image, its red, green and blue plane one after the other.
 *
 * @see https://www.cs.toronto.edu/~kriz/cifar.html, section "Binary version"
 */
import { LmError } from '../errors.ts';
import { readAt, withFile } from '../files.ts';
import { must } from '../must.ts';
import { type ImageSet, imageSet } from './imageSet.ts';
import type { ArchivedFile } from './tar/archive.ts';

const side = 32;
const plane = side * side;

/** A file by its path, or out of an archive. */
export type CifarFile = string | ArchivedFile;

/** The most images in a file: those of CIFAR-100's part to train on. */
const mostRecords = 50_000;
/** Records per read: small enough that other work gets its turn in between. */
const recordsPerRead = 2000;

/**
 * Reads CIFAR files as one set, images interleaved [count, 32, 32, 3]; of CIFAR-100 the fine labels.
 *
 * @param files `.bin` files, read in this order.
 * @param classNames 10 names for CIFAR-10, 100 for CIFAR-100: their number decides the format of a record.
 * @throws ERR_DATASET naming the file when it is empty, cut off, or a label is out of range; ERR_FILE when it
 *   cannot be read.
 * @example
 * const test = await readCifarSet('cifar10', ['cifar-10-batches-bin/test_batch.bin'], names);
 */
export async function readCifarSet(
  name: string,
  files: readonly CifarFile[],
  classNames: readonly string[],
): Promise<ImageSet> {
  const labelBytes = classNames.length > 10 ? 2 : 1;
  const counts: number[] = [];
  for (const file of files) counts.push(await countRecords(file, labelBytes));
  const total = counts.reduce((a, b) => a + b, 0);
  const images = new Uint8Array(total * 3 * plane);
  const labels = new Int32Array(total);
  let first = 0;
  for (const [i, file] of files.entries()) {
    const count = must(counts[i]);
    const part = {
      images: images.subarray(first * 3 * plane, (first + count) * 3 * plane),
      labels: labels.subarray(first, first + count),
    };
    await readRecords(file, labelBytes, part);
    const wrong = part.labels.findIndex((label) => label >= classNames.length);
    if (wrong >= 0)
      throw bad(
        pathOf(file),
        `label ${part.labels[wrong]} in record ${wrong}: the set has ${classNames.length} classes`,
      );
    first += count;
  }
  return imageSet({ name, images, labels, height: side, width: side, channels: 3, classNames });
}

interface Part {
  readonly images: Uint8Array;
  readonly labels: Int32Array;
}

async function countRecords(file: CifarFile, labelBytes: number): Promise<number> {
  const record = labelBytes + 3 * plane;
  const path = pathOf(file);
  const size = typeof file === 'string' ? await withFile(file, async (_, bytes) => bytes) : file.bytes.length;
  if (size === 0) throw bad(path, 'an empty file');
  if (size % record !== 0)
    throw bad(path, `${size} bytes, which is not a whole number of records of ${record}`);
  if (size / record > mostRecords)
    throw bad(path, `${size / record} images, where no published file has more than ${mostRecords}`);
  return size / record;
}

async function readRecords(file: CifarFile, labelBytes: number, part: Part): Promise<void> {
  const record = labelBytes + 3 * plane;
  await withBytes(file, async (read) => {
    for (let first = 0; first < part.labels.length; first += recordsPerRead) {
      const count = Math.min(recordsPerRead, part.labels.length - first);
      const bytes = await read(first * record, count * record);
      for (let i = 0; i < count; i++) {
        part.labels[first + i] = must(bytes[i * record + labelBytes - 1]);
        interleave(
          bytes.subarray(i * record + labelBytes, (i + 1) * record),
          part.images,
          (first + i) * 3 * plane,
        );
      }
    }
  });
}

type Read = (position: number, length: number) => Promise<Uint8Array>;

async function withBytes(file: CifarFile, work: (read: Read) => Promise<void>): Promise<void> {
  if (typeof file !== 'string')
    return work(async (position, length) => file.bytes.subarray(position, position + length));
  await withFile(file, (handle) =>
    work(async (position, length) => {
      const bytes = new Uint8Array(length);
      const read = await readAt(handle, bytes, position);
      if (read < length) throw bad(file, 'a file that became shorter while it was read');
      return bytes;
    }),
  );
}

function pathOf(file: CifarFile): string {
  return typeof file === 'string' ? file : file.path;
}

/** Three planes of one image -> red, green, blue of one pixel after the other. */
function interleave(planes: Uint8Array, out: Uint8Array, start: number): void {
  for (let pixel = 0; pixel < plane; pixel++) {
    const at = start + 3 * pixel;
    out[at] = must(planes[pixel]);
    out[at + 1] = must(planes[plane + pixel]);
    out[at + 2] = must(planes[2 * plane + pixel]);
  }
}

function bad(path: string, received: string): LmError {
  const hint =
    'Unpack the archive of the binary version again; the versions for Python and Matlab are other formats.';
  return new LmError('ERR_DATASET', `Expected a sound CIFAR file for \`${path}\` but received ${received}`, {
    hint,
  });
}
