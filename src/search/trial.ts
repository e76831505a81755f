/** Steps of a training on a copy of a model, to learn something about it: nothing of them stays. */
import { LmError } from '../errors.ts';
import type { Dataset } from '../loading/dataset.ts';
import { ampFor } from '../model/amp.ts';
import { coreOf, type Model } from '../model/model.ts';
import { beginTraining } from '../model/training.ts';
import type { NativeChunkResult } from '../native/binding.ts';
import { openTrainer } from '../train/openTrainer.ts';
import { freshLossScale, resetState } from '../train/optimizer/state.ts';
import { constant } from '../train/schedules.ts';
import type { TrainSettings } from '../train/settings.ts';
import { stepScalars, tableOf } from '../train/stepTable.ts';

/**
 * Runs one step for each rate, on from the steps before; where images change their size from epoch to epoch,
 * to the end of an epoch at most.
 */
export type TrialSteps = (rates: readonly number[]) => Promise<NativeChunkResult>;

/**
 * Trains a copy with rates that `work` chooses.
 *
 * @param copy nothing else may train it meanwhile; its weights move.
 * @param settings all but the rate and its schedule count.
 * @throws ERR_ABORTED once the signal aborts; ERR_CONFIG where the model cannot compute in mixed precision.
 */
export async function withTrial<T>(
  copy: Model,
  data: Dataset,
  settings: TrainSettings,
  signal: AbortSignal | undefined,
  work: (steps: TrialSteps) => Promise<T>,
): Promise<T> {
  ampFor(settings.amp, copy, settings.memory.kind);
  let stop = (): void => {};
  const { native: open, end } = beginTraining(coreOf(copy), () => stop());
  try {
    const trainer = openTrainer(open, copy, data, settings);
    stop = () => trainer.stop();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      await resetState(open, settings);
      const stepsPerEpoch = data.count === null ? Number.MAX_SAFE_INTEGER : trainer.stepsPerEpoch;
      const isResized = (settings.sizes?.length ?? 0) > 1;
      let [done, lossScale] = [0, freshLossScale(settings)];
      return await work(async (rates) => {
        if (signal?.aborted) throw aborted(signal);
        const left = isResized ? stepsPerEpoch - (done % stepsPerEpoch) : rates.length;
        const span = { stepsPerEpoch, totalSteps: Number.MAX_SAFE_INTEGER };
        const rows = rates.slice(0, left).map((lr, i) => {
          const own = { ...settings, lr, lrBase: undefined, schedule: constant() };
          return stepScalars(own, span, done + i);
        });
        const chunk = await trainer.run({ first: done, table: tableOf(rows), lossScale });
        lossScale = chunk.lossScale;
        done += chunk.steps;
        if (signal?.aborted) throw aborted(signal);
        return chunk;
      });
    } finally {
      signal?.removeEventListener('abort', stop);
      trainer.close();
    }
  } finally {
    end();
  }
}

function aborted(signal: AbortSignal): LmError {
  return new LmError('ERR_ABORTED', 'The search was aborted', { cause: signal.reason });
}
