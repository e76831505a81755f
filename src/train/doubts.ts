/** What of a training's settings will not do what it seems to, told before time is spent on it. */
import type { TrainSettings } from './settings.ts';

/** How long a training is. */
export interface Length {
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
}

/** The initial weights may be so large a part of the average at the end. */
const mostInitial = 0.1;

/**
 * Sentences on settings that cannot work in a run of this length: a warm-up that takes all of it, an average
 * that still is mostly the initial weights, a rate that is never lowered, a patience that never ends. A run
 * of one step is a try, of which there is nothing to say.
 *
 * @example
 * doubtsOf(trainSchema.parse({ modelEma: true }), { stepsPerEpoch: 500, totalSteps: 500 });
 * // ['the average keeps 90 % of the initial weights after 500 steps: …']
 */
export function doubtsOf(settings: TrainSettings, length: Length): string[] {
  if (length.totalSteps <= 1) return [];
  return [warmup, average, decays, patience].flatMap((doubt) => doubt(settings, length) ?? []);
}

type Doubt = (settings: TrainSettings, length: Length) => string | undefined;

const warmup: Doubt = ({ schedule, lr }, { stepsPerEpoch, totalSteps }) => {
  if (schedule.kind === 'oneCycle') return undefined;
  const steps = schedule.warmupSteps || Math.round(schedule.warmupEpochs * stepsPerEpoch);
  if (steps < totalSteps) return undefined;
  return `the warm-up of ${steps} steps is no shorter than the run of ${totalSteps}: the rate never reaches ${lr}`;
};

const average: Doubt = ({ modelEma, modelEmaDecay, modelEmaWarmup }, { totalSteps }) => {
  const left = modelEmaDecay ** totalSteps;
  if (!modelEma || modelEmaWarmup || left <= mostInitial) return undefined;
  const decay = Math.floor(1e4 * mostInitial ** (1 / totalSteps)) / 1e4;
  const percent = `${Math.round(100 * left)} %`;
  return `the average keeps ${percent} of the initial weights after ${totalSteps} steps: let it warm up (modelEmaWarmup), or lower modelEmaDecay to ${decay}`;
};

const decays: Doubt = ({ schedule }, { stepsPerEpoch, totalSteps }) => {
  const epochs = totalSteps / stepsPerEpoch;
  const first =
    schedule.kind === 'step'
      ? schedule.decayEpochs
      : schedule.kind === 'multistep'
        ? schedule.milestones[0]
        : undefined;
  if (first === undefined || first < epochs) return undefined;
  return `the rate is first lowered after epoch ${first}, and the run has ${Number(epochs.toFixed(2))}`;
};

const patience: Doubt = ({ earlyStopPatience }, { stepsPerEpoch, totalSteps }) => {
  const epochs = Math.ceil(totalSteps / stepsPerEpoch);
  if (earlyStopPatience === undefined || earlyStopPatience < epochs) return undefined;
  return `a patience of ${earlyStopPatience} epochs ends no run of ${epochs}`;
};
