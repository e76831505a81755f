/** What changes from step to step, as numbers: the table that a chunk of steps carries. */
import { type NativeStepTable, stepColumns } from '../native/binding.ts';
import { ratesAt, type ScheduledRun } from './rates.ts';
import type { TrainSettings } from './settings.ts';

/** The steps that the settings are laid over. */
export interface Span extends Pick<ScheduledRun, 'stepsPerEpoch' | 'totalSteps'> {
  /** Ranks, each of which has a batch of its own; default 1. */
  readonly worldSize?: number;
}

/** One row of the table. */
export type StepScalars = Readonly<Record<keyof NativeStepTable, number>>;

/**
 * What one step is done with.
 *
 * @param step number of the step, from 0; behind the end of the run the last rate holds.
 * @example
 * const settings = trainSchema.parse({ schedule: constant() });
 * stepScalars(settings, { stepsPerEpoch: 10, totalSteps: 100 }, 7).lr; // 0.1
 */
export function stepScalars(settings: TrainSettings, span: Span, step: number): StepScalars {
  const { betas, schedule, weightDecay, mixupProb, mixupOffEpoch } = settings;
  const [lr, momentum] = [
    peakRate(settings, span.worldSize),
    hasBetas(settings) ? betas[0] : settings.momentum,
  ];
  const mixed = mixupOffEpoch === 0 || step < mixupOffEpoch * span.stepsPerEpoch;
  return {
    ...ratesAt(schedule, step, { ...span, lr, momentum }),
    weightDecay,
    mixProb: mixed ? mixupProb : 0,
    emaDecay: emaDecay(settings, step),
  };
}

/** The table of a chunk: row i holds the scalars of step `first + i`. */
export function stepTable(
  settings: TrainSettings,
  span: Span,
  { first, count }: { readonly first: number; readonly count: number },
): NativeStepTable {
  return tableOf(Array.from({ length: count }, (_, i) => stepScalars(settings, span, first + i)));
}

/** Rows as a table. */
export function tableOf(rows: readonly StepScalars[]): NativeStepTable {
  const columns = stepColumns.map((name) => [name, Float64Array.from(rows, (row) => row[name])]);
  return Object.fromEntries(columns) as NativeStepTable;
}

/** As timm's ModelEmaV2; with a warm-up as its ModelEmaV3. */
function emaDecay({ modelEmaDecay, modelEmaWarmup }: TrainSettings, step: number): number {
  return modelEmaWarmup ? Math.min(modelEmaDecay, 1 - (1 + step) ** (-2 / 3)) : modelEmaDecay;
}

/**
 * Peak learning rate of a run: `lr`, or what `lrBase` makes of the images in a step, of all ranks.
 *
 * @example
 * peakRate(trainSchema.parse({ lrBase: 0.1, batch: 512 })); // 0.2
 */
export function peakRate(settings: TrainSettings, worldSize = 1): number {
  const { lr, lrBase, lrBaseSize, lrBaseScale, batch, accumulate } = settings;
  if (lrBase === undefined) return lr;
  const ratio = (batch * accumulate * worldSize) / lrBaseSize;
  const scale = lrBaseScale ?? (hasBetas(settings) ? 'sqrt' : 'linear');
  return lrBase * (scale === 'sqrt' ? Math.sqrt(ratio) : ratio);
}

/** AdamW and LAMB keep two moments; the first stands where others have the momentum. */
function hasBetas({ optimizer }: TrainSettings): boolean {
  return optimizer === 'adamw' || optimizer === 'lamb';
}
