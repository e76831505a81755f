/**
 * Tensor files in the safetensors format: 8 bytes length of the header (little-endian), the header as JSON,
 * then the tensors' bytes without gaps. A digest in the metadata makes every changed bit of a file
 * detectable.
 *
 * @see https://github.com/huggingface/safetensors, section "Format"
 */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { LmError } from '../errors.ts';
import { readAt, replaceFile, withFile, writeAt } from '../files.ts';
import { dtypes, type TensorData } from './dtypes.ts';
import { foreignFormat, formatBytes } from './foreignFormat.ts';
import {
  defective,
  digestKey,
  makeHeader,
  noDigest,
  parseHeader,
  type SafetensorsHeader,
  type TensorInfo,
} from './safetensorsHeader.ts';
import { checkEntries, entryBytes, type TensorEntry } from './tensorEntry.ts';

/** A tensor that was read: row-major values; F16 and BF16 are widened to float32, BOOL is 0 and 1. */
export interface Tensor {
  /** Element type in the file, such as `F32`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** Contents of a safetensors file. */
export interface Safetensors {
  /** Without the digest. */
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** True when the file has a digest (which then fits); files of other programs have none. */
  readonly verified: boolean;
}

/**
 * The largest header that is read, in bytes: that of lm_resnet1202 has 3 million. The library of the format
 * takes 100 million.
 */
const maxHeaderBytes = 25_000_000;

/**
 * Writes a safetensors file, as a whole or not at all: a failure leaves the old file untouched and nothing
 * else behind. The bytes depend on the arguments alone (no clock, no path); tensors and metadata keep their
 * order. Peak memory: one tensor, when the entries' `data` are functions; they are called once, in order.
 *
 * @param metadata strings by name; the key `sha256` is added: the digest of the file.
 * @throws ERR_NAME_TAKEN for a tensor name used twice, ERR_CONFIG for a reserved or malformed name or an
 *   array that is not of `dtype`, ERR_SHAPE when `data` and `shape` differ in length, ERR_FILE when the file
 *   system refuses.
 * @example
 * const w = { name: 'w', dtype: 'F32', shape: [2], data: new Float32Array([1, 2]) };
 * await writeSafetensors('w.safetensors', [w], {});
 */
export async function writeSafetensors(
  path: string,
  tensors: Iterable<TensorEntry>,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const entries = [...tensors];
  checkEntries(entries, metadata);
  const header = makeHeader(entries, metadata);
  await replaceFile(path, async (file) => {
    const hash = createHash('sha256').update(header);
    let position = await writeAt(file, header, 0);
    for (const entry of entries) {
      const bytes = await entryBytes(entry);
      hash.update(bytes);
      position = await writeAt(file, bytes, position);
    }
    await writeAt(file, Buffer.from(hash.digest('hex')), digestPlace(header, noDigest));
  });
}

/**
 * Reads a safetensors file whole, and verifies its digest where the metadata has one (key `sha256`).
 *
 * @throws ERR_CHECKPOINT naming the file and the defect: foreign, cut off, damaged, inconsistent. ERR_FILE
 *   when the file is missing or cannot be read, ERR_MEMORY when a tensor does not fit into memory.
 * @example
 * const { metadata, tensors } = await readSafetensors('model.safetensors');
 */
export async function readSafetensors(path: string): Promise<Safetensors> {
  return withFile(path, async (file, size) => {
    const { header, bytes } = await readHeader(path, file, size);
    const { [digestKey]: digest, ...metadata } = header.metadata;
    const hash = createHash('sha256').update(withoutDigest(bytes, digest));
    const tensors = new Map<string, Tensor>();
    for (const info of header.tensors) {
      const buffer = allocate(path, info);
      const body = new Uint8Array(buffer);
      if ((await readAt(file, body, bytes.length + info.begin)) < body.length)
        throw defective(path, 'that is cut off');
      if (digest !== undefined) hash.update(body);
      tensors.set(info.name, { dtype: info.dtype, shape: info.shape, data: decode(info.dtype, buffer) });
    }
    if (digest !== undefined && hash.digest('hex') !== digest) throw wrongDigest(path);
    return { metadata, tensors, verified: digest !== undefined };
  });
}

/**
 * Reads and checks the header of a safetensors file alone: metadata without the digest; names, types and
 * shapes.
 *
 * @throws ERR_CHECKPOINT, ERR_FILE as `readSafetensors`; the tensors' bytes are not verified.
 * @example
 * const { metadata, tensors } = await readSafetensorsHeader('model.safetensors');
 */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  const { header } = await withFile(path, (file, size) => readHeader(path, file, size));
  const { [digestKey]: _, ...metadata } = header.metadata;
  return { metadata, tensors: header.tensors };
}

/** The checked header and its bytes, the eight of its length among them. */
async function readHeader(
  path: string,
  file: FileHandle,
  size: number,
): Promise<{ header: SafetensorsHeader; bytes: Buffer }> {
  const start = Buffer.alloc(formatBytes);
  const read = await readAt(file, start, 0);
  if (read < 9 || start[8] !== 0x7b) throw foreignFormat(path, start.subarray(0, read));
  const length = Number(start.readBigUInt64LE());
  if (length > maxHeaderBytes) throw defective(path, `with a header of ${length} bytes`);
  if (8 + length > size)
    throw defective(path, `whose header is cut off: ${8 + length - size} bytes are missing`);
  const bytes = Buffer.alloc(8 + length);
  await readAt(file, bytes, 0);
  return { header: parseHeader(path, bytes.subarray(8), size - bytes.length), bytes };
}

/** Where in a header the digest stands; -1 when it does not. */
function digestPlace(header: Buffer, digest: string): number {
  const place = header.indexOf(`"${digest}"`, header.indexOf(`"${digestKey}"`));
  return place < 0 ? -1 : place + 1;
}

/** The header as it was when the digest was taken. */
function withoutDigest(header: Buffer, digest: string | undefined): Buffer {
  const place = digest === undefined ? -1 : digestPlace(header, digest);
  if (place < 0) return header;
  return Buffer.concat([header.subarray(0, place), Buffer.from(noDigest), header.subarray(place + 64)]);
}

function wrongDigest(path: string): LmError {
  const hint = 'Take another copy; if a program rewrote it on purpose, remove sha256 from its metadata.';
  return defective(path, 'that was changed: its digest does not fit', hint);
}

function allocate(path: string, { name, begin, end }: TensorInfo): ArrayBuffer {
  try {
    return new ArrayBuffer(end - begin);
  } catch (cause) {
    const message = `Expected memory for tensor "${name}" of \`${path}\` but received none for ${end - begin} bytes`;
    throw new LmError('ERR_MEMORY', message, { cause });
  }
}

function decode(dtype: string, buffer: ArrayBuffer): TensorData {
  const row = dtypes[dtype];
  return row === undefined ? new Uint8Array(buffer) : row.decode(buffer);
}
