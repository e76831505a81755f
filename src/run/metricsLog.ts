/**
 * The log of a run: one JSON object per line, so that it can be followed, cut off, and read by any program.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { LmError } from '../errors.ts';
import { errnoOf, fileError, readBounded, replaceFile } from '../files.ts';
import type { MetricsRow } from '../metricsRow.ts';
import { appendFile } from './appendFile.ts';
import { jsonNumber } from './jsonNumber.ts';

/** An open log. */
export interface MetricsWriter {
  /**
   * Appends a row; rows are written in the order of the calls.
   *
   * @throws ERR_FILE when the file system refuses (disk full): the row is kept, and later calls and `close`
   *   try again. ERR_CLOSED after `close`.
   */
  write(row: MetricsRow): Promise<void>;
  /**
   * Flushes to the disk and closes; closing twice does nothing.
   *
   * @throws ERR_FILE when a row could not be written.
   */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The largest log, in bytes: two rows a second come to this in two weeks. */
const maxBytes = 500 * 2 ** 20;

const place = { step: z.number(), epoch: z.number() };
const common = { ...place, loss: jsonNumber, top1: jsonNumber };
const tested = { loss: jsonNumber, top1: jsonNumber, top5: jsonNumber, nonFinite: z.int().min(0) };
const rowSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('step'), ...common, lr: jsonNumber, imagesPerSecond: jsonNumber }),
  z.object({ type: z.literal('eval'), ...place, ...tested, ema: z.object(tested).optional() }),
  z.object({ type: z.literal('warning'), step: z.number(), name: z.string(), reason: z.string() }),
  z.object({ type: z.literal('coefficients'), ...place, values: z.record(z.string(), z.array(jsonNumber)) }),
]);

const rowTypes = rowSchema.options.map((row) => String(row.shape.type.value));

/**
 * Opens a log for appending; a missing file is created. A last line that was cut off (the process was killed)
 * is removed.
 *
 * @throws ERR_FILE when the file system refuses.
 * @example
 * await using log = await openMetrics('runs/a/metrics.jsonl');
 * await log.write({ type: 'warning', step: 100, name: 'photos/7.jpg', reason: 'it is torn' });
 */
export async function openMetrics(path: string): Promise<MetricsWriter> {
  const file = await openAppend(path);
  const { append, close } = appendFile(file, path);
  const write = (row: MetricsRow): Promise<void> => append(`${JSON.stringify(row)}\n`);
  return { write, close, [Symbol.asyncDispose]: close };
}

/**
 * Reads the log of a run. A last line that was cut off is ignored, and so are rows of types this version does
 * not know.
 *
 * @throws ERR_FILE when it is missing or cannot be read; ERR_CHECKPOINT naming the first line that is not a
 *   row.
 * @example
 * const rows = await readMetrics('runs/a/metrics.jsonl');
 */
export async function readMetrics(path: string): Promise<MetricsRow[]> {
  const text = (await readBounded(path, maxBytes)).toString();
  const lines = text.split('\n').slice(0, -1);
  return lines.flatMap((line, i) => (line.trim() === '' ? [] : parseRow(line, i + 1, path)));
}

function parseRow(line: string, number: number, path: string): MetricsRow[] {
  try {
    const json: unknown = JSON.parse(line);
    const type = z.looseObject({ type: z.string() }).parse(json).type;
    return rowTypes.includes(type) ? [rowSchema.parse(json)] : [];
  } catch (cause) {
    const message = `Expected a row of metrics for \`${path}:${number}\` but received something else`;
    throw new LmError('ERR_CHECKPOINT', message, { hint: 'The log was damaged; remove this line.', cause });
  }
}

/**
 * Removes the rows behind a step, for a run that goes on from it; a missing log stays so.
 *
 * @param evaluated whether the evaluation after this step is behind the run; else its rows go too.
 * @throws ERR_FILE when the file system refuses; the log is then as it was.
 */
export async function truncateMetrics(path: string, step: number, evaluated: boolean): Promise<void> {
  const text = await readBounded(path, maxBytes).then(String, (error: unknown) => {
    if (error instanceof LmError && errnoOf(error.cause) === 'ENOENT') return '';
    throw error;
  });
  const lines = text.split('\n').slice(0, -1);
  const isBehind = (line: string): boolean => {
    const { step: at, type } = placeOf(line);
    return at > step || (at === step && at > 0 && !evaluated && ofEvaluations.includes(type));
  };
  const kept = lines.filter((line) => !isBehind(line));
  if (kept.length === lines.length) return;
  await replaceFile(path, (file) => file.writeFile(kept.map((line) => `${line}\n`).join('')));
}

/** Rows that an evaluation writes. */
const ofEvaluations = ['eval', 'coefficients'];

/** Step and type of a row; NaN where a line is none, which then stays for `readMetrics` to tell of. */
function placeOf(line: string): { readonly step: number; readonly type: string } {
  try {
    return z.looseObject({ step: z.number(), type: z.string() }).parse(JSON.parse(line));
  } catch {
    return { step: Number.NaN, type: '' };
  }
}

async function openAppend(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, 'a+');
    await removeTornLine(file).catch(async (cause: unknown) => {
      await file.close();
      throw cause;
    });
    return file;
  } catch (cause) {
    throw fileError(cause, 'a writable file', path);
  }
}

/** Cuts the file behind its last line feed. */
async function removeTornLine(file: FileHandle): Promise<void> {
  const { size } = await file.stat();
  const block = Buffer.alloc(4096);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - block.length);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    const feed = block.subarray(0, bytesRead).lastIndexOf('\n');
    if (feed >= 0 || start === 0) {
      const keep = feed < 0 ? 0 : start + feed + 1;
      if (keep < size) await file.truncate(keep);
      return;
    }
    end = start;
  }
}
