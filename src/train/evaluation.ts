/** What a training finds on its held-out images. */
import { evaluatedInDetail } from '../evaluate/evaluateInDetail.ts';
import type { Dataset } from '../loading/dataset.ts';
import type { Scores } from '../metricsRow.ts';
import { evaluate } from '../model/evaluate.ts';
import { coreOf, type Model } from '../model/model.ts';
import type { EvaluateOptions } from '../model/options.ts';
import type { Evaluation } from '../native/binding.ts';
import type { Ranks } from '../ranks/ranks.ts';
import { mostConfusedClasses } from '../run/folder.ts';
import type { RunFiles } from '../run/runFiles.ts';
import type { Evaluated } from '../run/runState.ts';
import type { TrainSettings } from './settings.ts';

/** Scores of the weights themselves; in detail they go into the file of the run's last evaluation. */
export async function recordScores(
  model: Model,
  test: Dataset,
  settings: TrainSettings,
  files: RunFiles,
  ranks?: Ranks,
): Promise<Evaluation> {
  const options = optionsOf(settings);
  if (model.graph.classes > mostConfusedClasses) return evaluate(coreOf(model), test, options, ranks);
  const found = await evaluatedInDetail(model, test, options, ranks);
  files.evaluation(found);
  const { loss, top1, top5, count, nonFinite, bad, notes } = found;
  return { loss, top1, top5, count, nonFinite, bad, notes };
}

/** Scores of the averaged weights, where they are kept. */
export async function averageScores(
  model: Model,
  test: Dataset,
  settings: TrainSettings,
  ranks?: Ranks,
): Promise<Scores | undefined> {
  if (!settings.modelEma) return undefined;
  const options = { ...optionsOf(settings), weights: 'ema' } as const;
  const { loss, top1, top5, nonFinite } = await evaluate(coreOf(model), test, options, ranks);
  return { loss, top1, top5, nonFinite };
}

/** An evaluation that a checkpoint tells of. */
export function told(found: Evaluated | null): Evaluation | null {
  if (found === null) return null;
  const { step: _, ...evaluation } = found;
  return { ...evaluation, bad: [], notes: [] };
}

function optionsOf({
  workers,
  prefetch,
  onBadImage,
  badImageLimit,
  amp,
  evalBatches: batches,
}: TrainSettings): EvaluateOptions {
  return { workers, prefetch, onBadImage, badImageLimit, amp, batches };
}
