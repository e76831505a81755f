/**
 * TensorBoard's files on the byte level: messages (tensorflow/core/util/event.proto, framework/summary.proto)
 * in TFRecord frames.
 */
import type protobuf from 'protobufjs/light.js';
import { must } from '../must.ts';

/** One value of a summary; one of the three kinds. */
export interface SummaryValue {
  readonly tag: string;
  readonly simpleValue?: number;
  readonly image?: {
    readonly height: number;
    readonly width: number;
    /** 1 gray, 3 RGB. */
    readonly colorspace: number;
    readonly encodedImageString: Uint8Array;
  };
  readonly histo?: {
    readonly min: number;
    readonly max: number;
    readonly num: number;
    readonly sum: number;
    readonly sumSquares: number;
    /** Upper ends of the buckets, rising, and how many values each holds. */
    readonly bucketLimit: readonly number[];
    readonly bucket: readonly number[];
  };
}

/** One record of a file. */
export interface EventMessage {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step?: number;
  readonly fileVersion?: string;
  readonly summary?: { readonly value: readonly SummaryValue[] };
  /**
   * Status 1, START: the run goes on from this step, and what an older file says of it and later ones is
   * void.
   */
  readonly sessionLog?: { readonly status: number };
}

const field = (id: number, type: string): protobuf.IField => ({ id, type });
const list = (id: number, type: string): protobuf.IField => ({ id, type, rule: 'repeated' });

/** The messages as far as they are written here; the numbers are TensorFlow's. */
const messages: protobuf.INamespace = {
  nested: {
    Event: {
      oneofs: { what: { oneof: ['fileVersion', 'summary', 'sessionLog'] } },
      fields: {
        wallTime: field(1, 'double'),
        step: field(2, 'int64'),
        fileVersion: field(3, 'string'),
        summary: field(5, 'Summary'),
        sessionLog: field(7, 'SessionLog'),
      },
    },
    Summary: { fields: { value: list(1, 'Value') } },
    Value: {
      oneofs: { value: { oneof: ['simpleValue', 'image', 'histo'] } },
      fields: {
        tag: field(1, 'string'),
        simpleValue: field(2, 'float'),
        image: field(4, 'Image'),
        histo: field(5, 'HistogramProto'),
      },
    },
    Image: {
      fields: {
        height: field(1, 'int32'),
        width: field(2, 'int32'),
        colorspace: field(3, 'int32'),
        encodedImageString: field(4, 'bytes'),
      },
    },
    HistogramProto: {
      fields: {
        min: field(1, 'double'),
        max: field(2, 'double'),
        num: field(3, 'double'),
        sum: field(4, 'double'),
        sumSquares: field(5, 'double'),
        bucketLimit: list(6, 'double'),
        bucket: list(7, 'double'),
      },
    },
    SessionLog: { fields: { status: field(1, 'int32') } },
  },
};

/** The type `Event`. */
export async function eventType(): Promise<protobuf.Type> {
  const { default: protobuf } = await import('protobufjs/light.js');
  return protobuf.Root.fromJSON(messages).lookupType('Event');
}

/**
 * An event of the type `Event` as TensorBoard's files hold it: length, its checksum, bytes, their checksum;
 * all little-endian.
 */
export function eventRecord(type: protobuf.Type, event: EventMessage): Uint8Array {
  const data = type.encode(event).finish();
  const record = Buffer.alloc(data.length + 16);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(masked(crc32c(record.subarray(0, 8))), 8);
  record.set(data, 12);
  record.writeUInt32LE(masked(crc32c(data)), 12 + data.length);
  return record;
}

/** The checksum as TFRecord stores it, since a checksum of bytes that hold their own checksum says little. */
export function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  return crc;
});

/** CRC-32C (Castagnoli) of bytes, RFC 3720. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ must(table[(crc ^ byte) & 255]);
  return ~crc >>> 0;
}
