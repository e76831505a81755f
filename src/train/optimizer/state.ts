/** What a training goes on with beside the weights: how it begins, and what a checkpoint holds of it. */
import type { CheckpointTensors } from '../../checkpoint/checkpoint.ts';
import type { NativeLossScale, NativeModel, TensorSet } from '../../native/binding.ts';
import type { TrainSettings } from '../settings.ts';
import { optimizers } from './spec.ts';

/** The sets of tensors that a training with these settings moves beside the values. */
export function stateSets({ optimizer, modelEma }: TrainSettings): TensorSet[] {
  return [...optimizers[optimizer].state, ...(modelEma ? (['ema'] as const) : [])];
}

/** The scale of the loss before the first step; null where it is not scaled. */
export function freshLossScale({ amp }: TrainSettings): NativeLossScale | null {
  return amp === 'float16' ? { scale: 2 ** 16, goodSteps: 0, skipped: 0 } : null;
}

/**
 * Begins anew, for the model may have been trained before: the optimiser remembers nothing, the average is
 * the weights themselves.
 */
export async function resetState(model: NativeModel, settings: TrainSettings): Promise<void> {
  for (const set of optimizers[settings.optimizer].state) await model.fill(set, 0);
  if (settings.modelEma) await model.copy(model, { from: 'value', into: 'ema' });
}

/** Goes on from the tensors of a checkpoint. */
export async function restoreState(model: NativeModel, sets: CheckpointTensors['sets']): Promise<void> {
  for (const [set, tensors] of sets)
    for (const [path, values] of tensors) await model.writeTensor(path, set, values);
}
