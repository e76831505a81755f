/** The values of a schedule: pure functions from the number of a step to its rate and momentum. */
import type { Multistep, OneCycle, Schedule, Step, Warmup } from './schedules.ts';

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
 * const run = { stepsPerEpoch: 10, totalSteps: 100, lr: 0.1, momentum: 0.9 };
 * ratesAt(constant(), 7, run); // { lr: 0.1, momentum: 0.9 }
 */
export function ratesAt(schedule: Schedule, step: number, run: ScheduledRun): StepRates {
  const at = Math.min(step, run.totalSteps - 1);
  if (schedule.kind === 'oneCycle') return oneCycleAt(schedule, at, run);
  const { lr, momentum } = run;
  const warmup = schedule.warmupSteps || Math.round(schedule.warmupEpochs * run.stepsPerEpoch);
  if (at < warmup) return { lr: warmupAt(schedule, at, warmup, lr), momentum };
  const part = (at - warmup) / (run.totalSteps - warmup);
  switch (schedule.kind) {
    case 'cosine':
      return { lr: between(lr, schedule.minLr, part, 'cos'), momentum };
    case 'linear':
      return { lr: between(lr, schedule.minLr, part, 'linear'), momentum };
    case 'poly':
      return { lr: between(schedule.minLr, lr, (1 - part) ** schedule.power, 'linear'), momentum };
    case 'step':
      return { lr: stepAt(schedule, at, run), momentum };
    case 'multistep':
      return { lr: multistepAt(schedule, at, run), momentum };
    case 'constant':
      return { lr, momentum };
  }
}

/** Step n of a warm-up of so many. */
function warmupAt({ warmupLr }: Warmup, n: number, steps: number, lr: number): number {
  if (warmupLr === undefined) return (lr * (n + 1)) / (steps + 1);
  return between(warmupLr, lr, n / steps, 'linear');
}

function stepAt({ decayEpochs, factor }: Step, step: number, { lr, stepsPerEpoch }: ScheduledRun): number {
  return lr * factor ** Math.floor(step / Math.max(1, Math.round(decayEpochs * stepsPerEpoch)));
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
