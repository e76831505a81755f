/** What a checkpoint says beside its network: the run that made it. */
import { stat } from 'node:fs/promises';
import { readCheckpointInfo } from '../checkpoint/checkpoint.ts';
import { type Evaluated, parseRunState } from '../run/runState.ts';
import { trainSchema } from '../train/options.ts';
import type { TrainSettings } from '../train/settings.ts';

/** Facts of a checkpoint; of a model that was saved by itself there is no run. */
export interface CheckpointFacts {
  readonly bytes: number;
  readonly dtype: string;
  readonly run: {
    readonly step: number;
    readonly totalSteps: number;
    readonly evaluation: Evaluated | null;
    readonly settings: TrainSettings;
  } | null;
}

/** Reads the facts of a checkpoint, not its tensors. */
export async function checkpointFacts(path: string): Promise<CheckpointFacts> {
  const { dtype, run } = await readCheckpointInfo(path);
  const { size } = await stat(path);
  if (run === null) return { bytes: size, dtype, run: null };
  const { step, totalSteps, evaluation, settings } = parseRunState(path, run, trainSchema);
  return { bytes: size, dtype, run: { step, totalSteps, evaluation, settings } };
}

/** The facts as lines. */
export function factLines({ bytes, dtype, run }: CheckpointFacts): string[] {
  const file = `checkpoint: ${(bytes / 2 ** 20).toFixed(1)} MiB, ${dtype}`;
  if (run === null) return [file];
  const { step, totalSteps, evaluation, settings } = run;
  const scores =
    evaluation === null
      ? 'not evaluated yet'
      : `test loss ${evaluation.loss.toFixed(4)}, top-1 ${(100 * evaluation.top1).toFixed(2)} % after step ${evaluation.step}`;
  return [file, `run: step ${step} of ${totalSteps}; ${scores}`, `settings: ${JSON.stringify(settings)}`];
}
