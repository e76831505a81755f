/**
 * Packed records: a folder with `dataset.json` and shards, each a safetensors file with the image files of
 * some samples one behind the other and where each begins. Whole or absent, checked by CRC-32.
 */
import { z } from 'zod';

/** Version of the format; a reader refuses a newer one. */
export const recordsVersion = 1;

/** Name of the file that says what a folder of records holds. */
export const manifestName = 'dataset.json';

/**
 * Letters of a shard's index, about: shards of very small images are cut so that their indices stay small.
 */
export const maxIndex: number = 8 * 2 ** 20;

/** Contents of `dataset.json`. */
export interface Manifest {
  readonly format: 'lm-resnet records';
  readonly version: number;
  /** False while packing goes on, or after it was stopped. */
  readonly complete: boolean;
  /** Hash of what is packed and how: packing goes on only with the same. */
  readonly plan: string;
  readonly classNames: readonly string[];
  readonly shards: number;
  /** Samples; known once it is complete. */
  readonly count: number | null;
}

function isListOfNames(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string');
}

export const manifestSchema: z.ZodType<Manifest> = z.object({
  format: z.literal('lm-resnet records'),
  version: z.int().min(1),
  complete: z.boolean(),
  plan: z.string(),
  classNames: z.custom<readonly string[]>(isListOfNames), // an array's schema makes an error for each wrong one
  shards: z.int().min(0),
  count: z.int().min(1).nullable(),
});

/** File of a shard. */
export function shardName(number: number): string {
  return `${String(number).padStart(5, '0')}.safetensors`;
}

/**
 * One image in a shard. A packed JPEG file has the places of its rows of blocks before it, as uint32 (`rows`
 * of them).
 */
export interface RecordEntry {
  readonly name: string;
  readonly label: number;
  readonly offset: number;
  readonly length: number;
  readonly crc: number;
  readonly rows: number;
}
