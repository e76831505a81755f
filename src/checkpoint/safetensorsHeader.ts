/** The header of a safetensors file: made, and checked in full before anything behind it is read. */
import { expected, LmError, show } from '../errors.ts';
import { jsonBounds, parseJson } from '../json.ts';
import { must } from '../must.ts';
import { dtypes } from './dtypes.ts';
import { duplicateKey } from './jsonKeys.ts';

/**
 * Metadata key of the digest: SHA-256 (hexadecimal) of the whole file with the digest's own 64 digits set to
 * `0`.
 */
export const digestKey = 'sha256';

/** What stands in the digest's place while it is computed. */
export const noDigest: string = '0'.repeat(64);

/** The most tensors in a file, and texts in its metadata. */
const mostTensors = 2 ** 17;

/** One tensor as a header describes it; `begin` and `end` are bytes from the end of the header. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** A checked header: tensors in the order of their bytes, without gap or overlap, filling the body. */
export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: readonly TensorInfo[];
}

/**
 * A defect of a file as an error ERR_CHECKPOINT.
 *
 * @param defect how "received a file …" goes on: "whose header is not JSON".
 */
export function defective(path: string, defect: string, hint?: string, cause?: unknown): LmError {
  const message = `Expected a sound safetensors file for \`${path}\` but received a file ${defect}`;
  return new LmError('ERR_CHECKPOINT', message, {
    hint: hint ?? 'The file was damaged or cut off; take another copy of it.',
    cause,
  });
}

/**
 * The first bytes of a file: the header's length, the header with `noDigest` in its metadata, and spaces up
 * to a multiple of 8.
 *
 * @throws ERR_SHAPE when a shape is not a list of sizes.
 */
export function makeHeader(
  tensors: readonly Pick<TensorInfo, 'name' | 'dtype' | 'shape'>[],
  metadata: Readonly<Record<string, string>>,
): Buffer {
  const fields = [`"__metadata__":${JSON.stringify({ [digestKey]: noDigest, ...metadata })}`];
  let offset = 0;
  for (const { name, dtype, shape } of tensors) {
    const end = offset + count(name, shape) * must(dtypes[dtype]).bytes;
    fields.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [offset, end] })}`);
    offset = end;
  }
  const json = Buffer.from(`{${fields.join(',')}}`);
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  json.copy(header, 8);
  return header;
}

/**
 * Number of elements of a shape: the product of its sizes, 1 for [].
 *
 * @throws ERR_SHAPE when a size is not an integer >= 0, or the product is too large to be exact.
 */
export function count(name: string, shape: readonly number[]): number {
  const product = shape.reduce((n, d) => n * d, 1);
  if (isSizes(shape) && Number.isSafeInteger(8 * product)) return product;
  throw expected('ERR_SHAPE', 'a list of sizes', `${name}.shape`, shape);
}

/**
 * Parses and checks a header.
 *
 * @param bytes the header without the eight bytes of its length.
 * @param bodyBytes bytes of the file behind the header.
 * @throws ERR_CHECKPOINT naming the file and the defect.
 */
export function parseHeader(path: string, bytes: Uint8Array, bodyBytes: number): SafetensorsHeader {
  const json = headerJson(path, bytes);
  const { __metadata__: metadata = {} } = json;
  if (!isTable(metadata)) throw defective(path, 'whose metadata is not a table of strings');
  const tensors = Object.keys(json)
    .filter((name) => name !== '__metadata__')
    .map((name) => tensorInfo(path, name, json[name]));
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkLayout(path, tensors, bodyBytes);
  return { metadata, tensors };
}

function headerJson(path: string, bytes: Uint8Array): Record<string, unknown> {
  let text: string;
  let json: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    json = parseJson(text, jsonBounds.values, mostTensors);
  } catch (cause) {
    const how =
      cause instanceof RangeError
        ? `whose header is out of bounds: ${cause.message}`
        : 'whose header is not JSON';
    throw defective(path, how, undefined, cause);
  }
  if (!isObject(json)) throw defective(path, 'whose header is not a JSON object');
  const twice = duplicateKey(text);
  if (twice !== undefined) throw defective(path, `whose header has the key "${twice}" twice`);
  return json;
}

function tensorInfo(path: string, name: string, info: unknown): TensorInfo {
  if (!isObject(info)) throw defective(path, `whose header does not describe tensor "${name}"`);
  const { dtype, shape, data_offsets: offsets } = info;
  const row = typeof dtype === 'string' && Object.hasOwn(dtypes, dtype) ? dtypes[dtype] : undefined;
  if (typeof dtype !== 'string' || row === undefined)
    throw defective(
      path,
      `in which tensor "${name}" has the unknown type ${show(dtype)}`,
      `Known: ${Object.keys(dtypes).join(', ')}.`,
    );
  if (!isSizes(shape)) throw defective(path, `in which tensor "${name}" has no valid shape`);
  const [begin, end] = isSizes(offsets) && offsets.length === 2 ? offsets : [];
  if (begin === undefined || end === undefined || end < begin)
    throw defective(path, `in which tensor "${name}" has no valid offsets`);
  if (shape.reduce((n, d) => n * d, row.bytes) !== end - begin)
    throw defective(path, `in which tensor "${name}" (${dtype}, ${show(shape)}) has ${end - begin} bytes`);
  return { name, dtype, shape, begin, end };
}

function checkLayout(path: string, tensors: readonly TensorInfo[], bodyBytes: number): void {
  let at = 0;
  for (const { name, begin, end } of tensors) {
    if (begin < at) throw defective(path, `in which tensor "${name}" overlaps another`);
    if (begin > at) throw defective(path, `with a gap of ${begin - at} bytes before tensor "${name}"`);
    at = end;
  }
  if (at > bodyBytes)
    throw defective(path, `that is cut off: ${at - bodyBytes} of ${at} bytes of tensors are missing`);
  if (at < bodyBytes) throw defective(path, `with ${bodyBytes - at} bytes after its last tensor`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTable(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((v) => typeof v === 'string');
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
