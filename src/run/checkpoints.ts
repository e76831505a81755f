/**
 * The checkpoints of a run folder: checkpoint-<step>.safetensors, of which the last and the best are kept;
 * checkpoint.safetensors is always the newest of them, best.safetensors the best (further names of the same
 * files, no copies).
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import type { CheckpointTensors, Snapshot } from '../checkpoint/checkpoint.ts';
import { checkPath, errnoOf, fileError, isTemporary, linkFile } from '../files.ts';
import { runFileNames } from './folder.ts';
import { truncateMetrics } from './metricsLog.ts';
import type { FileSettings, RunState } from './runState.ts';

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
 * Writes a checkpoint into a run folder, and removes those that are neither among the last nor among the
 * best.
 *
 * @throws ERR_FILE when the file system refuses; the older ones are then untouched.
 */
export async function writeRunCheckpoint(
  folder: string,
  state: RunState<FileSettings>,
  snapshot: Snapshot,
): Promise<void> {
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
export interface Resumed<S extends FileSettings = FileSettings> extends CheckpointTensors {
  readonly folder: string;
  readonly path: string;
  readonly state: RunState<S>;
}

/**
 * The newest checkpoint of a run folder; a file is taken as it is.
 *
 * @throws ERR_FILE when nothing is there, ERR_CONFIG for what is no path.
 */
export async function checkpointAt(path: string): Promise<string> {
  checkPath(path);
  const found = await stat(path).catch((cause: unknown) => {
    throw fileError(cause, 'a run folder or a checkpoint', path);
  });
  return found.isDirectory() ? join(path, runFileNames.newest) : normalize(path);
}

/** The checkpoints of a run folder, the newest first. */
export async function checkpointsIn(folder: string): Promise<string[]> {
  const names = [runFileNames.newest, ...(await stepsIn(folder)).map(nameOf)];
  return names.map((name) => join(folder, name));
}

/** The newest checkpoint that there is in a run folder; undefined without any. */
export async function newestIn(folder: string): Promise<string | undefined> {
  const all = [...(await checkpointsIn(folder)), join(folder, runFileNames.best)];
  for (const path of all) if (await isThere(path)) return path;
  return undefined;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (cause: unknown) => {
      if (errnoOf(cause) === 'ENOENT') return false;
      throw fileError(cause, 'a readable file', path);
    },
  );
}

/**
 * Brings a run folder to where it was after the step of a checkpoint: that one is the newest again, later
 * ones go, the log ends there, and what a killed process left half written is removed.
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
  const evaluated = state.evaluation?.step === state.step;
  await truncateMetrics(join(folder, runFileNames.metrics), state.step, evaluated);
}

/** The process may have ended between a checkpoint and its name, and later ones may have been better. */
async function relinkBest(folder: string, { best: [best], settings }: RunState<FileSettings>): Promise<void> {
  if (settings.keepBest === 0) return;
  const to = join(folder, runFileNames.best);
  if (best === undefined) return remove(folder, [runFileNames.best]);
  const from = join(folder, nameOf(best.step));
  if (await isThere(from)) await linkFile(from, to);
}
