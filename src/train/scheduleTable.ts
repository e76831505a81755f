/** The values of a schedule: pure functions from the number of a step to its rate, momentum and decay. */
import { z } from 'zod';
import { parseOptions } from '../check.ts';
import type { Cosine, Multistep, OneCycle, Schedule } from './schedules.ts';

/** The run a schedule is laid over. */
export interface ScheduledRun {
  readonly stepsPerEpoch: number;
  /** Steps of the whole run. */
  readonly totalSteps: number;
  /** Peak learning rate, per step. */
  readonly lr: number;
  /** Momentum of the run, in [0, 1); a one-cycle with its own range overrides it. */
  readonly momentum: number;
}

/** A piece of a run: steps `first` to `first + count - 1`. */
export interface ScheduledSteps extends ScheduledRun {
  readonly first: number;
  readonly count: number;
  readonly weightDecay: number;
}

/** What one step is done with. */
export interface StepRates {
  readonly lr: number;
  readonly momentum: number;
}

const stepsSchema = z.strictObject({
  first: z.int().min(0),
  count: z.int().min(0),
  stepsPerEpoch: z.int().min(1),
  totalSteps: z.int().min(1),
  lr: z.number().min(0),
  momentum: z.number().min(0).lt(1),
  weightDecay: z.number().min(0),
});

/**
 * The rates of a row of steps, as the trainer takes them: row i holds [lr, momentum, weightDecay] of step `first + i`
 * (`chunkColumns` in native/binding.ts). Behind the end of the run the last step's values hold.
 *
 * @returns float64 [count, 3], row-major.
 * @throws ERR_CONFIG for a value out of range.
 * @example
 * scheduleTable(cosine(), { first: 0, count: 2, stepsPerEpoch: 10, totalSteps: 100, lr: 0.1, momentum: 0.9, weightDecay: 1e-4 });
 */
export function scheduleTable(schedule: Schedule, steps: ScheduledSteps): Float64Array {
  const run = parseOptions(stepsSchema, steps, 'steps');
  const table = new Float64Array(3 * run.count);
  for (let i = 0; i < run.count; i++) {
    const { lr, momentum } = ratesAt(schedule, run.first + i, run);
    table.set([lr, momentum, run.weightDecay], 3 * i);
  }
  return table;
}

/**
 * Learning rate and momentum of one step.
 *
 * @param step number of the step, from 0.
 * @example
 * ratesAt(constant(), 7, { stepsPerEpoch: 10, totalSteps: 100, lr: 0.1, momentum: 0.9 }); // { lr: 0.1, momentum: 0.9 }
 */
export function ratesAt(schedule: Schedule, step: number, run: ScheduledRun): StepRates {
  const at = Math.min(step, run.totalSteps - 1);
  if (schedule.kind === 'oneCycle') return oneCycleAt(schedule, at, run);
  const { lr, momentum } = run;
  if (at < schedule.warmupSteps) return { lr: (lr * (at + 1)) / (schedule.warmupSteps + 1), momentum };
  if (schedule.kind === 'cosine') return { lr: cosineAt(schedule, at, run), momentum };
  if (schedule.kind === 'multistep') return { lr: multistepAt(schedule, at, run), momentum };
  return { lr, momentum };
}

function cosineAt({ warmupSteps, minLr }: Cosine, step: number, { lr, totalSteps }: ScheduledRun): number {
  return between(lr, minLr, (step - warmupSteps) / (totalSteps - warmupSteps), 'cos');
}

function multistepAt(
  { milestones, factor }: Multistep,
  step: number,
  { lr, stepsPerEpoch }: ScheduledRun,
): number {
  return lr * factor ** milestones.filter((epoch) => step >= Math.round(epoch * stepsPerEpoch)).length;
}

/** The two phases of PyTorch's OneCycleLR: they end at steps pctStart · total - 1 and total - 1. */
function oneCycleAt(schedule: OneCycle, step: number, { lr, momentum, totalSteps }: ScheduledRun): StepRates {
  const { pctStart, divFactor, finalDivFactor, anneal, momentum: range } = schedule;
  const [low, high] = range ?? [momentum, momentum];
  const peak = pctStart * totalSteps - 1;
  const first = lr / divFactor;
  if (step <= peak) {
    const part = peak > 0 ? step / peak : 1;
    return { lr: between(first, lr, part, anneal), momentum: between(high, low, part, anneal) };
  }
  const part = (step - peak) / (totalSteps - 1 - peak);
  return {
    lr: between(lr, first / finalDivFactor, part, anneal),
    momentum: between(low, high, part, anneal),
  };
}

/** From `start` (part 0) to `end` (part 1), on a line or half a cosine. */
function between(start: number, end: number, part: number, anneal: 'cos' | 'linear'): number {
  if (anneal === 'linear') return start + (end - start) * part;
  return end + ((start - end) / 2) * (1 + Math.cos(Math.PI * part));
}
