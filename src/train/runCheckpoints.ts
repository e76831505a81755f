/**
 * The checkpoints of a run folder: checkpoint-<step>.safetensors, of which the last and the best are kept; checkpoint.safetensors is always the
 * newest of them, best.safetensors the best (further names of the same files, no copies).
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { type CheckpointTensors, readCheckpoint, type Snapshot } from '../checkpoint/checkpoint.ts';
import { isLmError, LmError } from '../errors.ts';
import { errnoOf, fileError, isTemporary, linkFile } from '../files.ts';
import type { Model } from '../model/model.ts';
import { truncateMetrics } from './metrics.ts';
import { parseRunState, type RunState, sameJson } from './runState.ts';

/** Names in a run folder. */
export const runFileNames = {
  newest: 'checkpoint.safetensors',
  best: 'best.safetensors',
  metrics: 'metrics.jsonl',
} as const;

const nameOf = (step: number): string => `checkpoint-${step}.safetensors`;
const namePattern = /^checkpoint-(\d{1,15})\.safetensors$/;

/** Steps of the checkpoints in a folder, the latest first. */
async function stepsIn(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw fileError(cause, 'a run folder', folder);
  });
  return names
    .flatMap((name) => namePattern.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => b - a);
}

/**
 * Writes a checkpoint into a run folder, and removes those that are neither among the last nor among the best.
 *
 * @throws ERR_FILE when the file system refuses; the older ones are then untouched.
 */
export async function writeRunCheckpoint(folder: string, state: RunState, snapshot: Snapshot): Promise<void> {
  const { keepLast, keepBest } = state.settings;
  const path = join(folder, nameOf(state.step));
  await snapshot(path);
  await linkFile(path, join(folder, runFileNames.newest));
  const best = state.best.slice(0, keepBest).map(({ step }) => step);
  if (best[0] === state.step) await linkFile(path, join(folder, runFileNames.best));
  const steps = await stepsIn(folder);
  await remove(folder, steps.filter((step, i) => i >= keepLast && !best.includes(step)).map(nameOf));
}

async function remove(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names)
    await rm(join(folder, name), { force: true }).catch((cause: unknown) => {
      throw fileError(cause, 'a file that can be removed', join(folder, name));
    });
}

/** A checkpoint that a run goes on from. */
export interface Resumed extends CheckpointTensors {
  readonly folder: string;
  readonly path: string;
  readonly state: RunState;
}

/**
 * Reads the checkpoint that a run goes on from, whole.
 *
 * @param path a run folder, or one checkpoint of it.
 * @throws ERR_CHECKPOINT for a torn, foreign or newer file or one that no run made, ERR_FILE when it cannot be read, ERR_CONFIG when it is
 *   of another network.
 */
export async function readResumed(path: string, model: Model): Promise<Resumed> {
  const file = await checkpointAt(path);
  const { graph, dtype, run, sets } = await readCheckpoint(file).catch(async (error: unknown) => {
    throw await explainDamage(error, file);
  });
  const state = parseRunState(file, run);
  const same = sameJson(graph.toSpec(), model.graph.toSpec());
  if (same && dtype === model.dtype) return { folder: dirname(file), path: file, state, sets };
  const [there, here] = same ? [dtype, model.dtype] : [`"${graph.name}"`, `"${model.graph.name}"`];
  throw new LmError(
    'ERR_CONFIG',
    `Expected the network of \`${file}\` (${there}) for \`model\` but received another (${here})`,
    { hint: `Load it: await Model.load('${file}').` },
  );
}

/** The newest checkpoint of a run folder; a file is taken as it is. */
export async function checkpointAt(path: string): Promise<string> {
  const found = await stat(path).catch((cause: unknown) => {
    throw fileError(cause, 'a run folder or a checkpoint', path);
  });
  return found.isDirectory() ? join(path, runFileNames.newest) : normalize(path);
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
  const folder = dirname(await checkpointAt(run));
  const names = [runFileNames.newest, ...(await stepsIn(folder)).map(nameOf)];
  for (const path of names.map((name) => join(folder, name))) {
    try {
      parseRunState(path, (await readCheckpoint(path)).run);
      return path;
    } catch (error) {
      if (!isLmError(error, 'ERR_CHECKPOINT') && !isLmError(error, 'ERR_FILE')) throw error;
      first ??= error;
    }
  }
  throw first;
}

/**
 * Brings a run folder to where it was after the step of a checkpoint: that one is the newest again, later ones go, the log ends there, and
 * what a killed process left half written is removed.
 *
 * @throws ERR_FILE when the file system refuses.
 */
export async function rewindRun({ folder, path, state }: Resumed): Promise<void> {
  for (const name of [nameOf(state.step), runFileNames.newest])
    if (join(folder, name) !== path) await linkFile(path, join(folder, name));
  const steps = await stepsIn(folder);
  await remove(folder, steps.filter((step) => step > state.step).map(nameOf));
  await remove(folder, (await readdir(folder)).filter(isTemporary));
  await relinkBest(folder, state);
  await truncateMetrics(join(folder, runFileNames.metrics), state.step);
}

/** The process may have ended between a checkpoint and its name, and later ones may have been better. */
async function relinkBest(folder: string, { best: [best], settings }: RunState): Promise<void> {
  if (settings.keepBest === 0) return;
  const to = join(folder, runFileNames.best);
  if (best === undefined) return remove(folder, [runFileNames.best]);
  const from = join(folder, nameOf(best.step));
  const there = await stat(from).catch((cause: unknown) => {
    if (errnoOf(cause) === 'ENOENT') return null;
    throw fileError(cause, 'a readable file', from);
  });
  if (there !== null) await linkFile(from, to);
}
