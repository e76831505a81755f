/** Writing a model as a checkpoint. */
import {
  type CheckpointInfo,
  type Snapshot,
  takeSnapshot,
  writeCheckpoint,
} from '../checkpoint/checkpoint.ts';
import type { TensorSet } from '../native/binding.ts';
import { type Core, opened } from './core.ts';

/** Saves graph, class names, preprocessing and weights. */
export function save(core: Core, path: string): Promise<void> {
  return writeCheckpoint(path, { ...infoOf(core), run: null }, opened(core), []);
}

/**
 * Copies its tensors and those of the sets that a run goes on with, to be written with what is known of the
 * run.
 */
export async function snapshot(
  core: Core,
  run: Readonly<Record<string, unknown>>,
  sets: readonly TensorSet[],
): Promise<Snapshot> {
  return takeSnapshot({ ...infoOf(core), run }, opened(core), sets);
}

function infoOf({ graph, classNames, dtype, preprocessing }: Core): Omit<CheckpointInfo, 'run'> {
  return { graph, classNames, dtype, preprocessing };
}
