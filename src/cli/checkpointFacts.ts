/** What a checkpoint says beside its network: the run that made it. */
import { stat } from 'node:fs/promises';
import type { CheckpointInfo } from '../checkpoint/checkpoint.ts';
import { type Evaluated, parseRunState } from '../run/runState.ts';
import { trainSchema } from '../train/options.ts';
import type { TrainSettings } from '../train/settings.ts';
import type { Preprocessing } from '../transforms/preprocessing.ts';

/** Facts of a checkpoint; of a model that was saved by itself there is no run. */
export interface CheckpointFacts {
  readonly bytes: number;
  readonly dtype: string;
  /** What happens to image files in evaluations and predictions. */
  readonly preprocessing: Preprocessing;
  readonly run: {
    readonly step: number;
    readonly totalSteps: number;
    readonly evaluation: Evaluated | null;
    readonly settings: TrainSettings;
  } | null;
}

/** The facts of a checkpoint whose metadata were read. */
export async function checkpointFacts(
  path: string,
  { dtype, preprocessing, run }: CheckpointInfo,
): Promise<CheckpointFacts> {
  const { size } = await stat(path);
  if (run === null) return { bytes: size, dtype, preprocessing, run: null };
  const { step, totalSteps, evaluation, settings } = parseRunState(path, run, trainSchema);
  return { bytes: size, dtype, preprocessing, run: { step, totalSteps, evaluation, settings } };
}

/** The facts as lines. */
export function factLines({ bytes, dtype, preprocessing, run }: CheckpointFacts): string[] {
  const about = [
    `checkpoint: ${(bytes / 2 ** 20).toFixed(1)} MiB, ${dtype}`,
    `image files: ${JSON.stringify(preprocessing)}`,
  ];
  if (run === null) return about;
  const { step, totalSteps, evaluation, settings } = run;
  const scores =
    evaluation === null
      ? 'not evaluated yet'
      : `test loss ${evaluation.loss.toFixed(4)}, top-1 ${(100 * evaluation.top1).toFixed(2)} % after step ${evaluation.step}`;
  return [...about, `run: step ${step} of ${totalSteps}; ${scores}`, `settings: ${JSON.stringify(settings)}`];
}
