/** Writing a model as a checkpoint. */
import { type Snapshot, takeSnapshot, writeCheckpoint } from '../checkpoint/checkpoint.ts';
import type { TensorSet } from '../native/binding.ts';
import { type Core, opened } from './core.ts';

/** Saves graph, class names and weights. */
export function save(core: Core, path: string): Promise<void> {
  const { graph, classNames, dtype } = core;
  return writeCheckpoint(path, { graph, classNames, dtype, run: null }, opened(core), []);
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
  const { graph, classNames, dtype } = core;
  return takeSnapshot({ graph, classNames, dtype, run }, opened(core), sets);
}
