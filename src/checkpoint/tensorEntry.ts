/** Tensors on their way into a file. */
import { expected } from '../errors.ts';
import { count, digestKey } from './safetensorsHeader.ts';

/** Values of a tensor to write: the array of its `dtype`. */
export type TensorValues = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array;

/** One tensor to write: row-major values, or a function that reads them when their turn comes. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: 'F32' | 'F64' | 'I64' | 'I32' | 'U8';
  readonly shape: readonly number[];
  readonly data: TensorValues | (() => Promise<TensorValues>);
}

const arrays = {
  F32: Float32Array,
  F64: Float64Array,
  I64: BigInt64Array,
  I32: Int32Array,
  U8: Uint8Array,
} as const;

/**
 * Checks names, types and metadata before a file is opened.
 *
 * @throws ERR_NAME_TAKEN for a name used twice, ERR_CONFIG for a reserved or malformed name, type or metadata
 *   value.
 */
export function checkEntries(
  entries: readonly TensorEntry[],
  metadata: Readonly<Record<string, string>>,
): void {
  if (Object.hasOwn(metadata, digestKey))
    throw expected('ERR_CONFIG', 'no key of this name', `metadata.${digestKey}`, metadata[digestKey]);
  for (const [key, value] of Object.entries(metadata))
    if (typeof value !== 'string') throw expected('ERR_CONFIG', 'a string', `metadata.${key}`, value);
  const seen = new Set<string>();
  for (const { name, dtype } of entries) {
    if (seen.has(name)) throw expected('ERR_NAME_TAKEN', 'a unique tensor name', 'name', name);
    if (name === '__metadata__' || /\p{Surrogate}/u.test(name))
      throw expected('ERR_CONFIG', 'a well-formed tensor name', 'name', name);
    if (!Object.hasOwn(arrays, dtype))
      throw expected('ERR_CONFIG', `one of ${Object.keys(arrays).join(', ')}`, `${name}.dtype`, dtype);
    seen.add(name);
  }
}

/**
 * The bytes of an entry's values, read now if they were not yet.
 *
 * @throws ERR_CONFIG when the array is not the one of
 *   `dtype`, ERR_SHAPE when its length is not that of `shape`.
 */
export async function entryBytes({ name, dtype, shape, data }: TensorEntry): Promise<Uint8Array> {
  const values = typeof data === 'function' ? await data() : data;
  if (!(values instanceof arrays[dtype]))
    throw expected('ERR_CONFIG', `a ${arrays[dtype].name}`, `${name}.data`, values);
  const length = count(name, shape);
  if (values.length !== length)
    throw expected(
      'ERR_SHAPE',
      `${length} values ([${shape.join(', ')}])`,
      `${name}.data.length`,
      values.length,
    );
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
