/** The checkpoint that a training goes on from, and the run folder that is taken for it. */
import { rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readCheckpoint } from '../checkpoint/checkpoint.ts';
import { isLmError, LmError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import type { Model } from '../model/model.ts';
import { must } from '../must.ts';
import type { Ranks } from '../ranks/ranks.ts';
import { checkpointAt, checkpointsIn, newestIn, type Resumed } from '../run/checkpoints.ts';
import { clearRun, makeFolder } from '../run/folder.ts';
import { lockRun, type RunLock } from '../run/lock.ts';
import { parseRunState, sameJson } from '../run/runState.ts';
import { trainSchema } from './options.ts';
import type { TrainSettings } from './settings.ts';

/**
 * Reads the checkpoint that a run goes on from, whole.
 *
 * @param path a run folder, or one checkpoint of it.
 * @throws ERR_CHECKPOINT for a torn, foreign or newer file or one that no run made, ERR_FILE when it cannot
 *   be read, ERR_CONFIG when it is of another network.
 */
export async function readResumed(path: string, model: Model): Promise<Resumed<TrainSettings>> {
  const file = await checkpointAt(path);
  const { graph, dtype, run, sets } = await readCheckpoint(file).catch(async (error: unknown) => {
    throw await explainDamage(error, file);
  });
  const state = parseRunState(file, run, trainSchema);
  const same = sameJson(graph.toSpec(), model.graph.toSpec());
  if (same && dtype === model.dtype) return { folder: dirname(file), path: file, state, sets };
  const [there, here] = same ? [dtype, model.dtype] : [graph, model.graph].map(inWords);
  throw new LmError(
    'ERR_CONFIG',
    `Expected the network of \`${file}\` (${there}) for \`model\` but received another (${here})`,
    { hint: `Load it: await Model.load('${file}').` },
  );
}

function inWords({ name, input: { channels, height, width }, classes }: Graph): string {
  return `"${name}" of ${channels} x ${height} x ${width} and ${classes} classes`;
}

/** The error of a damaged file, with what else there is as its hint. */
export async function explainDamage(error: unknown, file: string): Promise<unknown> {
  if (!isLmError(error, 'ERR_CHECKPOINT')) return error;
  const older = await lastGoodCheckpoint(dirname(file)).catch(() => null);
  if (older === null) return error;
  const hint = `${older} is whole: resume from that (--resume-fallback takes it by itself).`;
  return new LmError(error.code, error.message, { hint, cause: error });
}

/**
 * The newest checkpoint of a run folder that is whole: where the last one was damaged, the one before.
 *
 * @param run its folder, or a file in it.
 * @returns its path, for `train(model, data, { resume })`.
 * @throws ERR_CHECKPOINT, ERR_FILE of the newest when none is.
 * @example
 * const path = await lastGoodCheckpoint('runs/a');
 * await train(await Model.load(path), data, { resume: path });
 */
export async function lastGoodCheckpoint(run: string): Promise<string> {
  let first: unknown;
  for (const path of await checkpointsIn(dirname(await checkpointAt(run)))) {
    try {
      parseRunState(path, (await readCheckpoint(path)).run, trainSchema);
      return path;
    } catch (error) {
      if (!isLmError(error, 'ERR_CHECKPOINT') && !isLmError(error, 'ERR_FILE')) throw error;
      first ??= error;
    }
  }
  throw first;
}

/** A run folder that no other training can take until this is disposed of. */
export interface TakenRun extends AsyncDisposable {
  readonly folder: string;
  readonly lock: RunLock;
  /** What there is to go on from; undefined: nothing. */
  readonly checkpoint: string | undefined;
}

interface TakeOptions {
  /** Where the newest checkpoint is damaged, the newest that is whole. */
  readonly fallback?: boolean | undefined;
}

/**
 * Takes the folder of a run that goes on, and only then looks for its checkpoint: who works in the folder may
 * replace it.
 *
 * @param path a run folder, or one checkpoint of it.
 * @throws ERR_BUSY naming the process that works in it, ERR_FILE; with `fallback` ERR_CHECKPOINT.
 */
export async function takeRun(path: string, { fallback = false }: TakeOptions = {}): Promise<TakenRun> {
  const checkpoint = await checkpointAt(path);
  return taken(dirname(checkpoint), async () => (fallback ? await lastGoodCheckpoint(path) : checkpoint));
}

/**
 * Takes a run folder, whatever there is: with its newest checkpoint; without one a new folder, or one without
 * what a run left that ended before its first. A new folder goes again where nothing comes into it.
 *
 * @throws as `takeRun`.
 */
export async function takeOrMakeRun(
  folder: string,
  { fallback = false }: TakeOptions = {},
): Promise<TakenRun> {
  const made = await makeFolder(folder);
  const find = async (): Promise<string | undefined> => {
    const newest = await newestIn(folder);
    if (newest === undefined) await clearRun(folder);
    return newest !== undefined && fallback ? await lastGoodCheckpoint(folder) : newest;
  };
  return taken(folder, find, made);
}

/**
 * A run folder that is taken for all ranks of a training: the first takes it, the others are told of its
 * checkpoint, which they read too.
 *
 * @throws as `take` on the first rank.
 */
export async function takenTogether(
  ranks: Ranks | undefined,
  take: () => Promise<TakenRun>,
): Promise<TakenRun> {
  if (ranks === undefined) return take();
  const own = ranks.isFirst ? await take() : undefined;
  const found = own === undefined ? null : { folder: own.folder, checkpoint: own.checkpoint ?? null };
  const [first] = await ranks.gather(found);
  if (own !== undefined) return own;
  const { folder, checkpoint } = must(first ?? undefined);
  const nothing = async (): Promise<void> => {};
  const lock = { release: nothing };
  return { folder, lock, checkpoint: checkpoint ?? undefined, [Symbol.asyncDispose]: nothing };
}

/** @param made whether the folder is new, so that it goes where nothing came into it. */
async function taken(
  folder: string,
  find: () => Promise<string | undefined>,
  made = false,
): Promise<TakenRun> {
  const leave = (): Promise<void> => (made ? rmdir(folder).catch(() => undefined) : Promise.resolve());
  const lock = await lockRun(folder).catch(async (error: unknown) => {
    await leave();
    throw error;
  });
  const dispose = async (): Promise<void> => {
    await lock.release();
    await leave();
  };
  try {
    return { folder, lock, checkpoint: await find(), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
