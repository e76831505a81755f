/**
 * What a checkpoint says of the run that made it: with its tensors, all that the run needs to go on. No clock
 * and no path.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import { LmError, show } from '../errors.ts';
import type { Dataset } from '../loading/dataset.ts';
import type { Evaluation, NativeLossScale, RawSize } from '../native/binding.ts';
import { jsonNumber } from './jsonNumber.ts';

/** An evaluation after `step` steps. */
export interface Evaluated extends Omit<Evaluation, 'bad' | 'notes'> {
  readonly step: number;
}

/** A data set as far as a run depends on it. */
export interface DataMark {
  readonly count: number | null;
  readonly classNames: readonly string[];
  readonly size: RawSize | null;
  /** Null: what training or evaluation choose. */
  readonly transform: readonly unknown[] | null;
  /** SHA-256 of the labels and, where images are files, of their names below the folder. */
  readonly digest: string;
}

/** The settings that the files of a run depend on. */
export interface FileSettings {
  readonly keepLast: number;
  readonly keepBest: number;
  readonly tensorboard: boolean;
  /** What its curves are of. */
  readonly loss: 'crossEntropy' | 'bce';
}

/** What a checkpoint says of its run, whose settings are of type S. */
export interface RunState<S = unknown> {
  readonly step: number;
  readonly totalSteps: number;
  /** The last evaluation; null before the first. */
  readonly evaluation: Evaluated | null;
  /** The best evaluations (`bestFirst`), the earlier of two equal ones before the later. */
  readonly best: readonly Pick<Evaluated, 'step' | 'top1' | 'loss'>[];
  /** Of the next step, with `amp: float16`. */
  readonly lossScale: NativeLossScale | null;
  /** Threads of an operation: another number rounds sums differently. */
  readonly threads: number;
  /** Processes that shared every step. */
  readonly worldSize: number;
  readonly data: DataMark;
  readonly test: DataMark | null;
  readonly settings: S;
}

const markSchema: z.ZodType<DataMark> = z.object({
  count: z.number().nullable(),
  classNames: z.array(z.string()),
  size: z.object({ height: z.number(), width: z.number(), channels: z.number() }).nullable(),
  transform: z.array(z.unknown()).nullable(),
  digest: z.string(),
});

const stateSchema: z.ZodType<RunState> = z.object({
  step: z.int().min(0),
  totalSteps: z.int().min(1),
  evaluation: z
    .object({
      step: z.int(),
      loss: jsonNumber,
      top1: jsonNumber,
      top5: jsonNumber,
      count: z.int(),
      nonFinite: z.int().min(0),
    })
    .nullable(),
  best: z.array(z.object({ step: z.int(), top1: jsonNumber, loss: jsonNumber })),
  lossScale: z
    .object({ scale: z.number().positive(), goodSteps: z.int().min(0), skipped: z.int().min(0) })
    .nullable(),
  threads: z.int().min(1),
  worldSize: z.int().min(1),
  data: markSchema,
  test: markSchema.nullable(),
  settings: z.unknown(),
});

function markOf({ count, classNames, size, transform, labels, files, part }: Dataset): DataMark {
  const hash = createHash('sha256');
  if (part !== null) hash.update(part.digest);
  else if (labels !== null) hash.update(new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength));
  if (files?.kind === 'files') hash.update(files.names);
  return {
    count,
    classNames: [...classNames],
    size: size === null ? null : { height: size.height, width: size.width, channels: size.channels },
    transform: transform === undefined ? null : [...transform],
    digest: hash.digest('hex'),
  };
}

/** The data sets of a training. */
interface DataSets {
  readonly train: Dataset;
  readonly test: Dataset | undefined;
}

/** The marks of the data sets of a training. */
export function marksOf({ train, test }: DataSets): Pick<RunState, 'data' | 'test'> {
  return { data: markOf(train), test: test === undefined ? null : markOf(test) };
}

/**
 * The state of the run that made a checkpoint.
 *
 * @param run what the checkpoint says of it.
 * @param settingsSchema of the settings of its training.
 * @throws ERR_CHECKPOINT when it was not made by a run, or by one of another version.
 */
export function parseRunState<S>(
  path: string,
  run: Readonly<Record<string, unknown>> | null,
  settingsSchema: z.ZodType<S>,
): RunState<S> {
  const refused = (what: string, hint: string, cause?: unknown): LmError =>
    new LmError(
      'ERR_CHECKPOINT',
      `Expected a checkpoint of a run for \`${path}\` but received one that ${what}`,
      { hint, cause },
    );
  if (run === null)
    throw refused('was saved by itself', 'Load it with Model.load and start a new training from it.');
  try {
    const state = parseOptions(stateSchema, run, 'run');
    return { ...state, settings: parseOptions(settingsSchema, state.settings, 'run.settings') };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const hint = 'It was written by another version of lm-resnet: resume with that one.';
    throw refused(`says something else of its run: ${reason}`, hint, cause);
  }
}

/** What must be the same where a run goes on. */
type Bound = Pick<RunState<object>, 'data' | 'test' | 'settings'>;

/**
 * Checks that a run can go on from a checkpoint with these settings and data.
 *
 * @param path of the checkpoint, for the message.
 * @param there, here with the settings that have an influence on the weights alone; others may differ.
 * @param hint what else can be done.
 * @throws ERR_CONFIG that says what differs.
 */
export function checkAgrees(
  path: string,
  there: Bound,
  here: Bound,
  hint = 'Resume with the same ones, or load the checkpoint and start a new run from it.',
): void {
  const differing = [
    ...differences('', there.settings, here.settings),
    ...differences('data.train.', there.data, here.data),
    ...differences('data.test.', there.test ?? {}, here.test ?? {}),
  ];
  if (differing.length === 0) return;
  throw new LmError(
    'ERR_CONFIG',
    `Expected the data and settings of \`${path}\` for \`train.resume\` but received others: ${differing.join('; ')}`,
    { hint },
  );
}

function differences(prefix: string, there: object, here: object): string[] {
  const keys = [...new Set([...Object.keys(there), ...Object.keys(here)])];
  return keys.flatMap((key) => {
    const [a, b]: unknown[] = [Reflect.get(there, key), Reflect.get(here, key)];
    return sameJson(a, b) ? [] : [`${prefix}${key} was ${show(a)}, is ${show(b)}`];
  });
}

/** True for values that are equal once they are read back from JSON. */
export function sameJson(a: unknown, b: unknown): boolean {
  const plain = (value: unknown): unknown =>
    value === undefined ? undefined : JSON.parse(JSON.stringify(value));
  return isDeepStrictEqual(plain(a), plain(b));
}
