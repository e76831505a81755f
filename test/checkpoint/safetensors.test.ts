import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  readSafetensors,
  readSafetensorsHeader,
  writeSafetensors,
} from '../../src/checkpoint/safetensors.ts';
import type { TensorEntry } from '../../src/checkpoint/tensorEntry.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';

const golden = fileURLToPath(new URL('../golden/reference.safetensors', import.meta.url));

const entries: TensorEntry[] = [
  {
    name: 'conv.weight',
    dtype: 'F32',
    shape: [2, 1, 1, 2],
    data: new Float32Array([1, -2, 3.5, Number.NaN]),
  },
  { name: 'tag', dtype: 'U8', shape: [3], data: new Uint8Array([0, 128, 255]) },
  { name: 'fine', dtype: 'F64', shape: [2], data: () => Promise.resolve(new Float64Array([Math.PI, -0])) },
  { name: 'none', dtype: 'I32', shape: [0, 4], data: new Int32Array(0) },
  { name: 'step', dtype: 'I64', shape: [], data: new BigInt64Array([2n ** 62n]) },
  { name: '10', dtype: 'I32', shape: [1], data: new Int32Array([-7]) },
];
const metadata = { format: 'lm-resnet', graph: '{"a":"\\"ü\\n"}', '7': 'seven' };

/** A file of a header (as JSON text or object) and a body, its length right. */
function fileOf(header: unknown, body = 0, length?: number): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(length ?? json.length));
  return Buffer.concat([start, json, Buffer.alloc(body)]);
}

const f32 = (begin: number, end: number, shape = [(end - begin) / 4]): object => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

async function codeOfFile(bytes: Uint8Array): Promise<string> {
  const path = join(await temporaryFolder(), 'x.safetensors');
  await writeFile(path, bytes);
  return codeOf(readSafetensors(path));
}

describe('writeSafetensors', () => {
  it('writes what readSafetensors reads', async () => {
    const path = join(await temporaryFolder(), 'x.safetensors');
    await writeSafetensors(path, entries, metadata);
    const file = await readSafetensors(path);
    expect(file.verified).toBe(true);
    expect(file.metadata).toEqual(metadata);
    expect([...file.tensors.keys()]).toEqual(entries.map((entry) => entry.name));
    for (const { name, dtype, shape, data } of entries)
      expect(file.tensors.get(name)).toEqual({
        dtype,
        shape,
        data: typeof data === 'function' ? await data() : data,
      });
  });

  it('gives equal bytes for equal content, wherever and whenever', async () => {
    const folder = await temporaryFolder();
    const paths = ['a', 'b-longer-name'].map((name) => join(folder, name));
    for (const path of paths) await writeSafetensors(path, entries, metadata);
    const [a, b] = await Promise.all(paths.map((path) => readFile(path)));
    expect(a).toEqual(b);
  });

  it('pads the header to 8 bytes and puts the SHA-256 of the file, its own digits zero, under sha256', async () => {
    const path = join(await temporaryFolder(), 'x.safetensors');
    await writeSafetensors(path, entries, metadata);
    const bytes = await readFile(path);
    const length = Number(bytes.readBigUInt64LE());
    expect(length % 8).toBe(0);
    const digest: string = JSON.parse(bytes.toString('utf8', 8, 8 + length)).__metadata__.sha256;
    bytes.write('0'.repeat(64), bytes.indexOf(digest), 'latin1');
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(digest);
  });

  it('reads one tensor at a time, in order', async () => {
    const events: string[] = [];
    const lazy = ['a', 'b', 'c'].map((name): TensorEntry => {
      const data = async (): Promise<Float32Array> => {
        events.push(`begin ${name}`);
        await new Promise((done) => setImmediate(done));
        events.push(`end ${name}`);
        return new Float32Array(2);
      };
      return { name, dtype: 'F32', shape: [2], data };
    });
    await writeSafetensors(join(await temporaryFolder(), 'x'), lazy, {});
    expect(events).toEqual(['begin a', 'end a', 'begin b', 'end b', 'begin c', 'end c']);
  });

  it('keeps the old file, and nothing else, when a tensor cannot be read', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'x.safetensors');
    await writeSafetensors(path, entries, metadata);
    const before = await readFile(path);
    const closed = new Error('closed');
    const bad: TensorEntry = { name: 'bad', dtype: 'F32', shape: [1], data: () => Promise.reject(closed) };
    await expect(writeSafetensors(path, [...entries, bad], {})).rejects.toBe(closed);
    expect(await readFile(path)).toEqual(before);
    expect(await readdir(folder)).toEqual(['x.safetensors']);
  });

  const values = new Float32Array(2);
  const one: TensorEntry = { name: 'a', dtype: 'F32', shape: [2], data: values };
  it.each<[string, TensorEntry[], Record<string, string>, string]>([
    ['a name used twice', [one, one], {}, 'ERR_NAME_TAKEN'],
    ['the name of the metadata', [{ ...one, name: '__metadata__' }], {}, 'ERR_CONFIG'],
    ['a name that is not text', [{ ...one, name: '\ud800' }], {}, 'ERR_CONFIG'],
    ['an unknown type', [{ ...one, dtype: 'F7' as 'F32' }], {}, 'ERR_CONFIG'],
    ['an array of another type', [{ ...one, data: new Float64Array(2) }], {}, 'ERR_CONFIG'],
    ['a wrong length', [{ ...one, shape: [3] }], {}, 'ERR_SHAPE'],
    ['a negative size', [{ ...one, shape: [-2] }], {}, 'ERR_SHAPE'],
    ['a size that is not whole', [{ ...one, shape: [2.5] }], {}, 'ERR_SHAPE'],
    ['metadata that is not text', [one], { n: 1 as unknown as string }, 'ERR_CONFIG'],
    ['the key of the digest', [one], { sha256: 'x' }, 'ERR_CONFIG'],
  ])('refuses %s, and leaves no file', async (_, tensors, meta, code) => {
    const folder = await temporaryFolder();
    expect(await codeOf(writeSafetensors(join(folder, 'x'), tensors, meta))).toBe(code);
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses a folder that is not there', async () => {
    expect(await codeOf(writeSafetensors(join(await temporaryFolder(), 'no', 'x'), entries, {}))).toBe(
      'ERR_FILE',
    );
  });
});

describe('readSafetensors', () => {
  it.each<[string, number[], ArrayLike<number | bigint>]>([
    ['f64', [2, 2], [Math.PI, -0, 1e300, 5e-324]],
    ['f32', [4], [1.5, -2.25, Number.POSITIVE_INFINITY, Number.NaN]],
    ['f16', [6], [0, -1, 65504, 2 ** -24, 0.333251953125, Number.POSITIVE_INFINITY]],
    ['bf16', [4], [1, -3.140625, Number.POSITIVE_INFINITY, 2 ** -133]],
    ['i64', [2], [-(2n ** 63n), 2n ** 63n - 1n]],
    ['u64', [1], [2n ** 64n - 1n]],
    ['i32', [2], [-(2 ** 31), 7]],
    ['u32', [1], [2 ** 32 - 1]],
    ['i16', [2], [-32768, 5]],
    ['u16', [1], [65535]],
    ['i8', [2], [-128, 127]],
    ['u8', [3], [0, 255, 3]],
    ['bool', [2], [1, 0]],
    ['scalar', [], [42]],
    ['empty', [0, 3], []],
    ['größe/1', [1], [1]],
  ])('reads a file of the safetensors library: %s', async (name, shape, values) => {
    const tensor = (await readSafetensors(golden)).tensors.get(name);
    expect(tensor?.shape).toEqual(shape);
    expect(Array.from<number | bigint>(tensor?.data ?? [99])).toEqual(Array.from(values));
  });

  it('reads the metadata of other programs as it is, unverified', async () => {
    const file = await readSafetensors(golden);
    expect(file).toMatchObject({
      verified: false,
      metadata: { 'made by': 'safetensors', quote: 'a "b" \\ ü' },
    });
  });

  it('reads the header alone', async () => {
    const { tensors, metadata } = await readSafetensorsHeader(golden);
    expect(tensors.find((t) => t.name === 'f64')).toMatchObject({ dtype: 'F64', shape: [2, 2] });
    expect(metadata.quote).toBe('a "b" \\ ü');
  });

  it.each<[string, Uint8Array]>([
    ['an empty file', Buffer.alloc(0)],
    ['a few bytes', Buffer.from('{}')],
    ['a zip, as torch.save writes', Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(100)])],
    ['text', Buffer.from('# weights\n'.repeat(20))],
    ['an absurd size of the header', fileOf('{}', 0, 2 ** 52)],
    ['a header of the largest size', fileOf('{}', 0, 100_000_001)],
    ['a header that is cut off', fileOf('{"a":1}', 0, 100)],
    ['a header that is not JSON', fileOf('{"a":')],
    ['a header that is not UTF-8', Buffer.concat([fileOf('{', 0, 5), Buffer.from([0x22, 0xff, 0x22, 0x7d])])],
    ['a tensor that is not described', fileOf({ a: 1 })],
    ['an unknown type', fileOf({ a: { ...f32(0, 4), dtype: 'F7' } }, 4)],
    ['a type that is a method', fileOf({ a: { ...f32(0, 4), dtype: 'toString' } }, 4)],
    ['a missing shape', fileOf({ a: { dtype: 'F32', data_offsets: [0, 4] } }, 4)],
    ['a negative size', fileOf({ a: f32(0, 4, [-1, -1]) }, 4)],
    ['a size that is not whole', fileOf({ a: f32(0, 4, [0.5, 2]) }, 4)],
    ['a size that overflows', fileOf({ a: f32(0, 4, [2 ** 52, 2 ** 52]) }, 4)],
    ['another number of bytes than the shape says', fileOf({ a: f32(0, 8, [3]) }, 8)],
    ['offsets that run backwards', fileOf({ a: f32(4, 0, [0]) }, 4)],
    ['three offsets', fileOf({ a: { dtype: 'U8', shape: [1], data_offsets: [0, 1, 2] } }, 1)],
    ['overlapping tensors', fileOf({ a: f32(0, 8), b: f32(4, 12) }, 12)],
    ['a gap', fileOf({ a: f32(0, 4), b: f32(8, 12) }, 12)],
    ['a gap before the first tensor', fileOf({ a: f32(4, 8) }, 8)],
    ['a body that is cut off', fileOf({ a: f32(0, 8) }, 7)],
    ['bytes behind the last tensor', fileOf({ a: f32(0, 8) }, 9)],
    [
      'a tensor twice',
      fileOf(
        '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}',
        2,
      ),
    ],
    ['a metadata key twice', fileOf('{"__metadata__":{"k":"1","k":"2"}}')],
    ['metadata that is not text', fileOf({ __metadata__: { a: 1 } })],
    ['metadata that is a list', fileOf({ __metadata__: [] })],
    ['a digest that does not fit', fileOf({ __metadata__: { sha256: 'a'.repeat(64) }, a: f32(0, 4) }, 4)],
  ])('refuses %s', async (_, bytes) => {
    expect(await codeOfFile(bytes)).toBe('ERR_CHECKPOINT');
  });

  it('names the file and the tensor', async () => {
    const path = join(await temporaryFolder(), 'torn.safetensors');
    await writeFile(path, fileOf({ 'layer1.weight': f32(0, 8, [3]) }, 8));
    await expect(readSafetensors(path)).rejects.toThrow(/torn\.safetensors.*layer1\.weight/);
  });

  it('refuses a missing file and a folder', async () => {
    const folder = await temporaryFolder();
    expect(await codeOf(readSafetensors(join(folder, 'none')))).toBe('ERR_FILE');
    expect(await codeOf(readSafetensors(folder))).toBe('ERR_FILE');
  });
});

describe('a damaged file', () => {
  it('is refused whatever single bit is flipped, unless the digest itself was lost', async () => {
    const path = join(await temporaryFolder(), 'x.safetensors');
    await writeSafetensors(path, entries, metadata);
    const whole = await readFile(path);
    const bit = fc.record({ at: fc.nat(whole.length - 1), bit: fc.nat(7) });
    await fc.assert(
      fc.asyncProperty(bit, async ({ at, bit }) => {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        await writeFile(path, bytes);
        const unverified = await readSafetensors(path).then(
          (file) => !file.verified,
          () => false,
        );
        if (unverified) expect(bytes.indexOf('"sha256":"')).toBe(-1);
        else expect(await codeOf(readSafetensors(path))).toBe('ERR_CHECKPOINT');
      }),
      { numRuns: 300 },
    );
  });

  it('is refused wherever it is cut off', async () => {
    const path = join(await temporaryFolder(), 'x.safetensors');
    await writeSafetensors(path, entries, metadata);
    const whole = await readFile(path);
    for (let length = 0; length < whole.length; length += 7) {
      await writeFile(path, whole.subarray(0, length));
      expect(await codeOf(readSafetensors(path))).toBe('ERR_CHECKPOINT');
    }
  });

  it('never gives another error than an LmError', async () => {
    const path = join(await temporaryFolder(), 'x.safetensors');
    const reference = await readFile(golden);
    const edit = fc.record({ at: fc.nat(reference.length - 1), bytes: fc.uint8Array({ maxLength: 12 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
        const bytes = Buffer.from(reference);
        for (const edit of edits) bytes.set(edit.bytes.subarray(0, bytes.length - edit.at), edit.at);
        await writeFile(path, bytes);
        expect(['none', 'ERR_CHECKPOINT']).toContain(await codeOf(readSafetensors(path)));
      }),
      { numRuns: 300 },
    );
  });
});
