/** Element types of tensor files, and how their bytes become arrays. */

/** Arrays that tensors of a file are read into. */
export type TensorData =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

interface Row {
  /** Bytes per element. */
  readonly bytes: number;
  /** The values of a buffer of such elements, little-endian. */
  readonly decode: (buffer: ArrayBuffer) => TensorData;
}

/**
 * Every element type that is read, by its name in the safetensors format; F16 and BF16 are widened to
 * float32.
 */
export const dtypes: Readonly<Record<string, Row>> = {
  BOOL: { bytes: 1, decode: (b) => new Uint8Array(b) },
  U8: { bytes: 1, decode: (b) => new Uint8Array(b) },
  I8: { bytes: 1, decode: (b) => new Int8Array(b) },
  U16: { bytes: 2, decode: (b) => new Uint16Array(b) },
  I16: { bytes: 2, decode: (b) => new Int16Array(b) },
  F16: { bytes: 2, decode: (b) => widenHalf(new Uint16Array(b)) },
  BF16: { bytes: 2, decode: (b) => widenBfloat(new Uint16Array(b)) },
  U32: { bytes: 4, decode: (b) => new Uint32Array(b) },
  I32: { bytes: 4, decode: (b) => new Int32Array(b) },
  F32: { bytes: 4, decode: (b) => new Float32Array(b) },
  U64: { bytes: 8, decode: (b) => new BigUint64Array(b) },
  I64: { bytes: 8, decode: (b) => new BigInt64Array(b) },
  F64: { bytes: 8, decode: (b) => new Float64Array(b) },
};

/** IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. Exact in float32. */
function widenHalf(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (h) => {
    const sign = h >>> 15 === 1 ? -1 : 1;
    const exponent = (h >>> 10) & 0x1f;
    const fraction = h & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}

/** bfloat16 is the upper half of a float32. */
function widenBfloat(halves: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(halves, (h) => h << 16).buffer);
}
