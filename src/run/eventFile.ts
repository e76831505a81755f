/** Files that TensorBoard opens: scalars, histograms and images, appended one event at a time. */
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { checkPath, errnoOf, fileError } from '../files.ts';
import { must } from '../must.ts';
import { appendFile } from './appendFile.ts';
import { type EventMessage, eventRecord, eventType, type SummaryValue } from './eventProto.ts';
import { eventFilePrefix } from './folder.ts';

/** Options of `openEventFile`. */
export interface EventFileOptions {
  /**
   * Steps already done by the run that goes on: what older files say of later steps is hidden. Default: a new
   * run, nothing is hidden.
   */
  readonly fromStep?: number | undefined;
}

/** A PNG and what it holds. */
export interface PngImage {
  readonly png: Uint8Array;
  readonly height: number;
  readonly width: number;
  /** 1 (gray) or 3 (RGB). */
  readonly channels: number;
}

/**
 * An open file of events. Its calls land in their order, each with the operating system once its promise
 * resolves.
 */
export interface EventFile {
  readonly path: string;
  /**
   * One number per tag, float32 in the file.
   *
   * @throws ERR_FILE when the file system refuses (disk full): they are kept, and later calls and `close` try
   *   again. ERR_CLOSED after `close`. So do all below.
   */
  scalars(step: number, values: Readonly<Record<string, number>>): Promise<void>;
  /** How some numbers are spread, in 30 buckets of equal width; those that are not finite are left out. */
  histogram(step: number, tag: string, values: readonly number[]): Promise<void>;
  image(step: number, tag: string, image: PngImage): Promise<void>;
  /**
   * Flushes to the disk and closes; closing twice does nothing.
   *
   * @throws ERR_FILE when an event could not be written.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const optionsSchema = z.strictObject({ fromStep: z.int().min(0).optional() });

/** SessionLog.START, upon which TensorBoard drops what it has read of this step and later ones. */
const start = 1;
const buckets = 30;

/**
 * Opens a new file of events in a folder that exists: `tensorboard --logdir` on it, or on the folder above,
 * shows them. Older files of the folder stay as they are and are read before it.
 *
 * @throws ERR_CONFIG for a wrong option, ERR_FILE when the file system refuses.
 * @example
 * await using board = await openEventFile('runs/a');
 * await board.scalars(100, { 'train/loss': 0.31, lr: 0.1 });
 */
export async function openEventFile(folder: string, options: EventFileOptions = {}): Promise<EventFile> {
  checkPath(folder, 'folder');
  const { fromStep } = parseOptions(optionsSchema, options, 'openEventFile');
  const type = await eventType();
  const { file, path } = await create(folder);
  const { append, close } = appendFile(file, path);
  const write = (event: Omit<EventMessage, 'wallTime'>): Promise<void> =>
    append(eventRecord(type, { wallTime: Date.now() / 1000, ...event }));
  const summarise = (step: number, value: readonly SummaryValue[]): Promise<void> =>
    write({ step, summary: { value } });
  try {
    await write({ fileVersion: 'brain.Event:2' });
    if (fromStep !== undefined) await write({ step: fromStep + 1, sessionLog: { status: start } });
  } catch (cause) {
    await close().catch(() => undefined);
    throw cause;
  }
  return {
    path,
    scalars: (step, values) =>
      summarise(
        step,
        Object.entries(values).map(([tag, simpleValue]) => ({ tag, simpleValue })),
      ),
    histogram: async (step, tag, values) => {
      const finite = values.filter(Number.isFinite);
      if (finite.length > 0) await summarise(step, [{ tag, histo: histogramOf(finite) }]);
    },
    image: (step, tag, { png, height, width, channels }) =>
      summarise(step, [{ tag, image: { height, width, colorspace: channels, encodedImageString: png } }]),
    close,
    [Symbol.asyncDispose]: close,
  };
}

// Seconds of more digits than a clock has are of no program's clock, and not exact.
const namePattern = /^events\.out\.tfevents\.(\d{1,12})\./;

/**
 * A new file whose name sorts behind those that are there: TensorBoard reads the files of a folder in the
 * order of their names.
 */
async function create(folder: string): Promise<{ file: FileHandle; path: string }> {
  try {
    const taken = (await readdir(folder)).map((name) => Number(namePattern.exec(name)?.[1] ?? 0));
    const now = Math.floor(Date.now() / 1000);
    for (let seconds = taken.reduce((latest, time) => Math.max(latest, time + 1), now); ; seconds++) {
      const path = join(folder, `${eventFilePrefix}${seconds}.lm-resnet`);
      const file = await open(path, 'ax').catch((cause: unknown) => {
        if (errnoOf(cause) !== 'EEXIST') throw cause;
      });
      if (file !== undefined) return { file, path };
    }
  } catch (cause) {
    throw fileError(cause, 'a folder for event files', folder);
  }
}

function histogramOf(values: readonly number[]): NonNullable<SummaryValue['histo']> {
  const min = values.reduce((a, b) => Math.min(a, b));
  const max = values.reduce((a, b) => Math.max(a, b));
  const count = max > min ? buckets : 1;
  const width = (max - min) / count;
  const bucket = new Array<number>(count).fill(0);
  for (const value of values) {
    const i = width > 0 ? Math.min(count - 1, Math.floor((value - min) / width) || 0) : 0;
    bucket[i] = must(bucket[i]) + 1;
  }
  return {
    min,
    max,
    num: values.length,
    sum: values.reduce((a, b) => a + b, 0),
    sumSquares: values.reduce((a, b) => a + b * b, 0),
    bucketLimit: bucket.map((_, i) => (i === count - 1 ? max : min + (i + 1) * width)),
    bucket,
  };
}
