/** TensorBoard's event files, read back by the format's rules. */
import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { crc32c, eventType, masked } from '../../src/run/eventProto.ts';

/** A record as plain data: numbers for integers, base64 for bytes, absent fields left out. */
export type Decoded = Readonly<Record<string, unknown>>;

/** All events of a file; both checksums of every record are checked. */
export async function readEvents(path: string): Promise<Decoded[]> {
  const bytes = await readFile(path);
  const type = await eventType();
  const events: Decoded[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 8)).toBe(masked(crc32c(bytes.subarray(at, at + 8))));
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(masked(crc32c(data)));
    events.push(type.toObject(type.decode(data), { longs: Number, bytes: String }));
    at += length + 16;
  }
  return events;
}

/** The values of some events as [step, tag, number], those of one kind. */
export function scalarsOf(events: readonly Decoded[]): [step: number, tag: string, value: number][] {
  return valuesOf(events).flatMap(({ step, tag, simpleValue }) =>
    typeof simpleValue === 'number' ? [[step, tag, simpleValue] as [number, string, number]] : [],
  );
}

interface Value {
  readonly step: number;
  readonly tag: string;
  readonly simpleValue?: number;
  readonly histo?: Readonly<Record<string, unknown>>;
  readonly image?: Readonly<Record<string, unknown>>;
}

/** All values of summaries, each with its step. */
export function valuesOf(events: readonly Decoded[]): Value[] {
  return events.flatMap(({ step, summary }) =>
    ((summary as { value?: readonly Value[] } | undefined)?.value ?? []).map((value) => ({
      ...value,
      step: Number(step ?? 0),
    })),
  );
}
