import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { batches, type ImageBatch } from '../../src/data/batches.ts';
import { fromAsyncIterable, type StreamSample } from '../../src/data/stream.ts';
import type { MetricsRow } from '../../src/metricsRow.ts';
import { network } from '../../src/models/network.ts';
import { type EventFile, openEventFile } from '../../src/run/eventFile.ts';
import { crc32c, eventRecord, eventType, masked } from '../../src/run/eventProto.ts';
import { readMetrics } from '../../src/run/metricsLog.ts';
import { linearTwoStep } from '../../src/schemes/linearTwoStep.ts';
import { train } from '../../src/train/train.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { readEvents, scalarsOf, valuesOf } from '../support/tensorboard.ts';
import { noise, tinyConfig, tinyModel } from '../support/training.ts';

/** The only event file of a folder. */
async function eventsOf(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.includes('tfevents'));
  expect(names).toHaveLength(1);
  return join(folder, names[0] ?? '');
}

/** What some calls write into a new file, without its first record. */
async function written(work: (board: EventFile) => Promise<void>): ReturnType<typeof readEvents> {
  const board = await openEventFile(await temporaryFolder());
  await work(board);
  await board.close();
  const [first, ...rest] = await readEvents(board.path);
  expect(first).toMatchObject({ fileVersion: 'brain.Event:2' });
  return rest;
}

describe('the checksum', () => {
  // RFC 3720, B.4, and the check value of CRC-32C.
  it.each([
    ['32 zeros', new Uint8Array(32), 0x8a9136aa],
    ['32 ones', new Uint8Array(32).fill(255), 0x62a8ab43],
    ['0 to 31', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    ['31 to 0', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
    ['"123456789"', Buffer.from('123456789'), 0xe3069283],
    ['nothing', new Uint8Array(), 0],
  ] as const)('of %s is the published one', (_, bytes, crc) => {
    expect(crc32c(bytes)).toBe(crc);
  });

  it('is rotated by 15 bits and shifted by a constant', () => {
    expect(masked(0)).toBe(0xa282ead8);
    expect(masked(0x8000)).toBe(0xa282ead9);
    expect(masked(1)).toBe(0xa284ead8);
  });
});

describe('a record', () => {
  it('is laid out as a TFRecord of an Event', async () => {
    const record = Buffer.from(eventRecord(await eventType(), { wallTime: 1, fileVersion: 'brain.Event:2' }));
    // wall_time is field 1, 64 bits; file_version is field 3, 13 bytes.
    const message = `09000000000000f03f1a0d${Buffer.from('brain.Event:2').toString('hex')}`;
    expect(record.subarray(0, 8).toString('hex')).toBe('1800000000000000');
    expect(record.subarray(12, -4).toString('hex')).toBe(message);
  });
});

describe('openEventFile', () => {
  it('writes one event a call, each there when its promise resolves', async () => {
    await using board = await openEventFile(await temporaryFolder());
    await board.scalars(7, { lr: 0.25, 'train/loss': 1.5 });
    expect(scalarsOf(await readEvents(board.path))).toEqual([
      [7, 'lr', 0.25],
      [7, 'train/loss', 1.5],
    ]);
    await board.scalars(2 ** 40, { lr: Number.NaN });
    expect(scalarsOf(await readEvents(board.path)).at(-1)).toEqual([2 ** 40, 'lr', Number.NaN]);
  });

  it('counts values in buckets from the least to the greatest', async () => {
    const values = [...Array.from({ length: 61 }, (_, i) => -0.1 + i / 100), Number.NaN];
    const [event] = valuesOf(await written((board) => board.histogram(3, 'k', values)));
    const histo = event?.histo as { bucketLimit: number[]; bucket: number[] };
    expect(event).toMatchObject({ step: 3, tag: 'k', histo: { min: -0.1, max: 0.5, num: 61 } });
    expect(event?.histo?.sum).toBeCloseTo(61 * 0.2, 12);
    expect(event?.histo?.sumSquares).toBeCloseTo(
      values.slice(0, -1).reduce((a, b) => a + b * b, 0),
      12,
    );
    expect(histo.bucketLimit).toHaveLength(30);
    expect(histo.bucketLimit.at(-1)).toBe(0.5);
    expect(histo.bucket.reduce((a, b) => a + b)).toBe(61);
    histo.bucketLimit.reduce((a, b) => {
      expect(b - a).toBeCloseTo(0.02, 12);
      return b;
    });
  });

  it('has one bucket for values that are equal, and no event for none', async () => {
    const events = await written(async (board) => {
      await board.histogram(1, 'k', [0.5, 0.5]);
      await board.histogram(2, 'k', [Number.NaN]);
    });
    expect(valuesOf(events)).toMatchObject([{ step: 1, histo: { bucketLimit: [0.5], bucket: [2] } }]);
  });

  it('writes images as they are', async () => {
    const png = Buffer.from('not looked into');
    const events = await written((board) => board.image(0, 'cat', { png, height: 2, width: 3, channels: 1 }));
    const image = { height: 2, width: 3, colorspace: 1, encodedImageString: png.toString('base64') };
    expect(valuesOf(events)).toEqual([{ step: 0, tag: 'cat', image }]);
  });

  it('hides later steps of older files when a run goes on, in a file that is read after them', async () => {
    const folder = await temporaryFolder();
    const paths: string[] = [];
    for (const options of [{}, { fromStep: 20 }, { fromStep: 0 }]) {
      await using board = await openEventFile(folder, options);
      paths.push(board.path);
    }
    expect(paths).toEqual(paths.toSorted());
    expect(new Set(paths).size).toBe(3);
    const [, again] = await readEvents(paths[1] ?? '');
    expect(again).toMatchObject({ step: 21, sessionLog: { status: 1 } });
    expect((await readEvents(paths[2] ?? ''))[1]).toMatchObject({ step: 1 });
    expect(await readEvents(paths[0] ?? '')).toHaveLength(1);
  });

  it('takes another name for every file, also of processes that open one at the same time', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'events.out.tfevents.99999999999.other'), '');
    const boards = await Promise.all(Array.from({ length: 8 }, () => openEventFile(folder)));
    for (const board of boards) await board.close();
    const paths = boards.map(({ path }) => path);
    expect(new Set(paths).size).toBe(8);
    for (const path of paths) expect(path).toMatch(/tfevents\.1000000000\d\d?\./);
  });

  it.each(['9'.repeat(400), '9'.repeat(23), '999999999999'])(
    'takes a name of its own beside a file of an absurd time: %s',
    async (time) => {
      const folder = await temporaryFolder();
      await writeFile(join(folder, `events.out.tfevents.${time.slice(0, 200)}.x`), '');
      const files = new Set<string>();
      for (let i = 0; i < 3; i++) {
        await using file = await openEventFile(folder);
        files.add(file.path);
      }
      expect(files.size).toBe(3);
    },
  );

  it('gives every mistake its code', async () => {
    const folder = await temporaryFolder();
    expect(await codeOf(openEventFile(folder, { fromStep: -1 }))).toBe('ERR_CONFIG');
    expect(await codeOf(openEventFile(join(folder, 'none')))).toBe('ERR_FILE');
    await writeFile(join(folder, 'file'), '');
    expect(await codeOf(openEventFile(join(folder, 'file')))).toBe('ERR_FILE');
    const board = await openEventFile(folder);
    await board.close();
    await board.close();
    expect(await codeOf(board.scalars(1, { lr: 1 }))).toBe('ERR_CLOSED');
  });
});

/** A stream has no second reading. */
async function* stream(): AsyncGenerator<StreamSample> {
  const { images, labels } = noise(32);
  for (const [i, label] of labels.entries()) yield { image: images.subarray(64 * i, 64 * (i + 1)), label };
}

describe('train with tensorboard', () => {
  const data = { train: noise(32), test: noise(16, 1) };
  const settings = { batch: 8, epochs: 2, tensorboard: true };

  /** The first batch of a training with these data. */
  async function firstBatch(): Promise<ImageBatch | undefined> {
    for await (const batch of batches(data.train, { batch: 8, training: true })) return batch;
    return undefined;
  }

  it('says what the log says', async () => {
    const run = join(await temporaryFolder(), 'run');
    await train(await tinyModel(), data, { ...settings, run });
    const events = await readEvents(await eventsOf(run));
    const float = (row: MetricsRow, names: Record<string, string>): [number, string, number][] =>
      Object.entries(names).map(([tag, key]) => [row.step, tag, Math.fround(Reflect.get(row, key))]);
    const step = { 'train/loss': 'loss', 'train/top1': 'top1', lr: 'lr', imagesPerSecond: 'imagesPerSecond' };
    const evaluation = { 'test/loss': 'loss', 'test/top1': 'top1', 'test/top5': 'top5' };
    const rows = await readMetrics(join(run, 'metrics.jsonl'));
    const wanted = rows.flatMap((row) =>
      row.type === 'step' ? float(row, step) : row.type === 'eval' ? float(row, evaluation) : [],
    );
    expect(wanted.length).toBeGreaterThan(10);
    expect(scalarsOf(events)).toEqual(wanted);
  });

  it('shows k in the sign of the paper, at the start and with every evaluation', async () => {
    const graph = network({ ...tinyConfig, scheme: linearTwoStep({ parameterization: 'official' }) });
    const model = await tinyModel({}, graph);
    const run = join(await temporaryFolder(), 'run');
    await train(model, data, { ...settings, run });
    const paths = graph.params.filter(({ kind }) => kind === 'coefficient').map(({ path }) => path);
    const rows = (await readMetrics(join(run, 'metrics.jsonl'))).filter((row) => row.type === 'coefficients');
    expect(rows.map(({ step }) => step)).toEqual([0, 4, 8]);
    for (const { values } of rows) expect(Object.keys(values)).toEqual(paths);
    const histograms = valuesOf(await readEvents(await eventsOf(run))).filter(({ histo }) => histo);
    const stored = await Promise.all(paths.map(async (path) => (await model.readTensor(path))[0] ?? 0));
    expect(rows.at(-1)?.values).toEqual(
      Object.fromEntries(paths.map((path, i) => [path, [Number(stored[i]?.toPrecision(9))]])),
    );
    const sum = stored.reduce((a, ks) => a + 1 - ks, 0);
    expect(histograms).toMatchObject([{ tag: 'k' }, { tag: 'k' }, { tag: 'k', step: 8 }]);
    expect(histograms.at(-1)?.histo?.sum).toBeCloseTo(sum, 6);
  });

  it('shows images of the first batch as training gets them, with their classes', async () => {
    const run = join(await temporaryFolder(), 'run');
    await train(await tinyModel(), data, { ...settings, run });
    const images = valuesOf(await readEvents(await eventsOf(run))).filter(({ image }) => image);
    expect(images).toHaveLength(8);
    const { indices, labels } = (await firstBatch()) ?? {};
    const { tag, image } = images[5] ?? {};
    expect(tag).toBe(`samples/5 ${labels?.[5]}`);
    const png = Buffer.from(String(image?.encodedImageString), 'base64');
    const { data: pixels, info } = await sharp(png)
      .toColourspace('b-w')
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect((await sharp(png).metadata()).space).toBe('b-w');
    expect(info).toMatchObject({ width: 8, height: 8, channels: 1 });
    const at = 64 * (indices?.[5] ?? 0);
    expect([...pixels]).toEqual([...data.train.images.subarray(at, at + 64)]);
  });

  it('leaves the images of a stream to the training', async () => {
    const folder = await temporaryFolder();
    const size = { height: 8, width: 8, channels: 1 } as const;
    await using set = fromAsyncIterable(stream(), { classNames: ['a', 'b', 'c', 'd'], size });
    const run = join(folder, 'run');
    const result = await train(
      await tinyModel(),
      { train: set },
      { batch: 8, steps: 4, tensorboard: true, run },
    );
    expect(result.steps).toBe(4);
    expect(valuesOf(await readEvents(await eventsOf(run))).filter(({ image }) => image)).toEqual([]);
  });

  it('needs a run folder, and writes nothing there unless it is asked to', async () => {
    const model = await tinyModel();
    expect(await codeOf(() => train(model, data, settings))).toBe('ERR_CONFIG');
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'run'));
    await train(model, data, { ...settings, tensorboard: false, run: join(folder, 'run') });
    expect((await readdir(join(folder, 'run'))).filter((name) => name.includes('tfevents'))).toEqual([]);
  });
});
