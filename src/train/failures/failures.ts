/** Why a training ended before its last step, and what is left of it. */
import { isLmError, LmError } from '../../errors.ts';

/** The weights of a step as a message names them. */
const weightsIn = (checkpoint: string | null): string =>
  checkpoint === null ? 'the weights are' : `${checkpoint} has the weights`;

/** A loss or gradient that is not finite in the step after `step`. */
export function notFinite(layer: string, step: number, checkpoint: string | null, lr: number): LmError {
  const message = `Step ${step + 1} is not finite: the first NaN or infinity appeared in ${layer}; ${weightsIn(checkpoint)} of the step before`;
  return new LmError('ERR_NOT_FINITE', message, {
    hint: `Lower the learning rate (lr is ${lr}) or warm up longer.`,
  });
}

/** The signal ended it. */
export function aborted(
  step: number,
  totalSteps: number,
  checkpoint: string | null,
  reason: unknown,
): LmError {
  const hint =
    checkpoint === null ? 'Give a run folder to keep the weights.' : `The weights so far: ${checkpoint}`;
  return new LmError('ERR_ABORTED', `The training was aborted after step ${step} of ${totalSteps}`, {
    hint,
    cause: reason,
  });
}

/** Of a device that failed, with what of the training is left; any other error as it is. */
export function lost(error: unknown, checkpoint: string | null): unknown {
  if (!isLmError(error, 'ERR_DEVICE')) return error;
  const after =
    checkpoint === null
      ? 'Give a run folder next time: it keeps checkpoints.'
      : `Start another process and resume the run: ${checkpoint} is whole.`;
  return new LmError('ERR_DEVICE', `The device failed during the training: ${error.message}`, {
    hint: `No process goes on with a device that failed it. ${after}`,
    cause: error,
  });
}

/** An error beside the steps, such as a shard that became shorter: the same, with where the weights are. */
export function kept(error: unknown, step: number, checkpoint: string | null): unknown {
  if (!isLmError(error)) return error;
  const where =
    checkpoint === null
      ? `The model has the weights of step ${step}`
      : `${checkpoint} has the weights of step ${step}: mend this, then resume the run`;
  const before = error.hint === undefined ? '' : `${error.hint} `;
  return new LmError(error.code, error.message, { hint: `${before}${where}.`, cause: error });
}
