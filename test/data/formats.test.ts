/**
 * Files that are not decoded natively, under any name: refused when a data set is opened, listed by a check,
 * packed.
 */
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { batches } from '../../src/data/batches.ts';
import { openDataset, openSome } from '../../src/data/open.ts';
import { pack } from '../../src/data/records/pack.ts';
import { checkImages } from '../../src/data/scan.ts';
import type { DatasetSpecInput } from '../../src/data/spec.ts';
import { isLmError, type LmError } from '../../src/errors.ts';
import { formatOf } from '../../src/images/imageFile.ts';
import '../support/addon.ts';
import { cli } from '../support/cli.ts';
import { grayJpeg, writeFiles } from '../support/files/images.ts';
import { tar } from '../support/files/tar.ts';
import { temporaryFolder } from '../support/folder.ts';

const gray = (): Sharp => sharp({ create: { width: 20, height: 20, channels: 3, background: '#646464' } });
/** Files of formats that sharp writes, by the name that is told. */
const written: Readonly<Record<string, () => Promise<Buffer>>> = {
  WebP: () => gray().webp().toBuffer(),
  GIF: () => gray().gif().toBuffer(),
  TIFF: () => gray().tiff().toBuffer(),
  HEIF: () => gray().avif().toBuffer(),
};
/** First bytes of other files. */
const heads: Readonly<Record<string, readonly number[] | string>> = {
  TIFF: [0x4d, 0x4d, 0, 42, 0, 0, 0, 8],
  HEIF: [0, 0, 0, 24, ...Buffer.from('ftypheic')],
  'JPEG XL': [0, 0, 0, 12, ...Buffer.from('JXL \r\n\x87\n', 'latin1')],
  'JPEG 2000': [0xff, 0x4f, 0xff, 0x51, 0, 0x2f],
  PSD: '8BPS..',
  SVG: '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
};

const failureOf = async (work: Promise<unknown>): Promise<LmError> => {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (isLmError(error)) return error;
  throw new Error(`no LmError but ${String(error)}`);
};

/** A folder of a sound JPEG file and another under the name of one, and shards of the same. */
async function sets(foreign: Uint8Array): Promise<{ path: string; specs: DatasetSpecInput[] }> {
  const root = await temporaryFolder();
  const sound = await grayJpeg(100);
  const path = await writeFiles(join(root, 'images'), {
    'a/1.jpg': sound,
    'a/2.jpg': foreign,
    'b/3.jpg': sound,
  });
  const shard = join(root, 'a.tar');
  const cls = Buffer.from('0');
  const members = { '1.jpg': sound, '1.cls': cls, '2.jpg': foreign, '2.cls': cls };
  await writeFile(shard, tar(Object.entries(members).map(([name, bytes]) => ({ name, bytes }))));
  return {
    path,
    specs: [
      { kind: 'imageFolder', path },
      { kind: 'webDataset', path: shard },
    ],
  };
}

describe('a file of another format', () => {
  const rows = [
    ...Object.entries(written).map(([format, make]) => [format, make] as const),
    ...Object.entries(heads).map(
      ([format, head]) => [format, async () => Buffer.from(head as string)] as const,
    ),
  ];
  it.each(rows)('is told by its content and refused before anything runs: %s', async (format, make) => {
    const file = await make();
    expect(formatOf(file)).toBe(format);
    const { specs } = await sets(file);
    for (const spec of specs) {
      const { code, message, hint } = await failureOf(openDataset(spec));
      expect(code).toBe('ERR_DATASET');
      expect(message).toContain(`(${format})`);
      expect(message).toContain(spec.kind === 'imageFolder' ? 'a/2.jpg' : 'a.tar');
      expect(hint).toContain(format in written ? 'lm-resnet pack' : 'Convert');
    }
  });

  it('is no fault of a file whose name alone says so', async () => {
    const root = await temporaryFolder();
    const path = await writeFiles(root, {
      'a/1.webp': await grayJpeg(90),
      'a/2.bmp': await gray().png().toBuffer(),
      'a/3.jpg': Buffer.from('P2 2 2 9 1 2 3 4'),
    });
    await using data = await openDataset({ kind: 'imageFolder', path });
    for await (const batch of batches(data, { imageSize: 8, onBadImage: 'throw' }))
      expect(batch.labels).toHaveLength(3);
  });

  it('is listed by a check', async () => {
    const { path } = await sets(await gray().webp().toBuffer());
    await using data = await openSome({ kind: 'imageFolder', path }, { everyFormat: true });
    const [only, ...rest] = await checkImages(data);
    expect(rest).toEqual([]);
    expect(only).toEqual({ name: join(path, 'a/2.jpg'), reason: expect.stringContaining('WebP') });
    const told = await cli(['data', 'check', `imageFolder:${path}`, '--json', '--quiet']);
    expect(told.code).toBe(3);
    expect(JSON.parse(told.stdout)).toMatchObject({ count: 3, bad: [{ name: join(path, 'a/2.jpg') }] });
  });

  it.each(Object.entries(written))('is packed, and then trained on: %s', async (_, make) => {
    const { specs } = await sets(await make());
    for (const spec of specs) {
      const records = join(await temporaryFolder(), 'records');
      expect((await pack(spec, records)).bad).toEqual([]);
      await using data = await openDataset({ kind: 'records', path: records });
      for await (const { pixels } of batches(data, { imageSize: 8, onBadImage: 'throw' }))
        expect(pixels.length).toBe((data.count ?? 0) * 8 * 8 * 3);
    }
  });

  it('that cannot be read, or begins like no image, is left to the decoder', async () => {
    const { path } = await sets(Buffer.from('no image'));
    await symlink('nowhere', join(path, 'a/4.jpg'));
    await using data = await openDataset({ kind: 'imageFolder', path });
    expect(await checkImages(data)).toHaveLength(2);
  });
});

describe('pixels', () => {
  it('do not begin like a file', async () => {
    const levels = [0, 255, 216, 66, 77, 73, 80, 54];
    for (const level of levels) expect(formatOf(new Uint8Array(64).fill(level))).toBe(null);
    expect(formatOf(Uint8Array.from({ length: 64 }, (_, i) => [255, 216, 255][i % 3] ?? 0))).toBe(null);
    expect(formatOf(new Uint8Array(0))).toBe(null);
    for (let length = 1; length < 4; length++)
      expect(formatOf((await grayJpeg(9)).subarray(0, length))).toBe(null);
  });

  it('are not those of a JPEG file with bytes that fill before its first marker', async () => {
    const file = await grayJpeg(9);
    const filled = Buffer.concat([file.subarray(0, 2), Buffer.of(0xff, 0xff), file.subarray(2)]);
    expect(formatOf(filled)).toBe('JPEG');
    expect(formatOf(await readFile(new URL('../../docs/two-step.svg', import.meta.url)))).toBe('SVG');
  });
});
