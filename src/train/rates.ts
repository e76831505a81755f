/** The values of a schedule: pure functions from the number of a step to its rate and momentum. */
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

/** What a schedule says of one step. */
export interface StepRates {
  readonly lr: number;
  readonly momentum: number;
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
