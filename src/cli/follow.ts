/** A training on a terminal: its events as progress, and its end at a signal. */
import type { Model } from '../model/model.ts';
import type { StepEvent, TrainEvent } from '../run/events.ts';
import { estimateNeeds } from '../search/estimate.ts';
import type { TakenRun } from '../train/resume.ts';
import type { TrainSettings } from '../train/settings.ts';
import { type TrainData, type TrainOptions, trainIn } from '../train/train.ts';
import type { TrainResult } from '../train/trainRun.ts';
import { outputless } from './output/outputless.ts';
import { type Before, clock, createProgress, type Progress, telling } from './progress.ts';
import { withSignals } from './signals.ts';

interface Following {
  readonly quiet?: boolean | undefined;
  /** The run folder, where it is taken already. */
  readonly taken?: TakenRun | undefined;
}

/**
 * Trains, shows it, and ends it at a signal.
 *
 * @param settings all that hold: of a run that goes on, not those of its options alone.
 */
export function followed(
  model: Model,
  data: TrainData,
  options: TrainOptions,
  settings: TrainSettings,
  { quiet = false, taken }: Following,
): Promise<TrainResult> {
  return withSignals(async (signal) => {
    const run = trainIn(model, data, { ...options, signal }, taken);
    const progress = createProgress({ quiet });
    const tell = (first: StepEvent): void => tellNeeds(progress, first, model, settings);
    await follow(run, progress, quiet ? undefined : tell);
    return run;
  });
}

/**
 * Shows a run's events until it ends.
 *
 * @param tell is told of the first steps whose speed means something; without it nothing but warnings is told
 *   in words.
 */
export async function follow(
  events: AsyncIterable<TrainEvent>,
  progress: Progress,
  tell?: (first: StepEvent) => void,
): Promise<void> {
  let started = false;
  let seconds = 0;
  try {
    for await (const event of events) {
      if (event.type === 'step') {
        if (!started) {
          progress.start(event.totalSteps, before(event));
        }
        started = true;
        const early = seconds < telling;
        seconds += event.samples / event.imagesPerSecond;
        if (early && seconds >= telling) tell?.(event);
        progress.update(event);
      } else if (event.type === 'warning') {
        progress.log(`bad image ${event.name}: ${event.reason}`);
      } else if (event.type === 'unwritten') {
        progress.log(`not written, tried again: ${event.reason}`);
      } else if (tell !== undefined) {
        const said = inWords(event);
        if (said !== undefined) progress.log(said);
      }
    }
  } finally {
    progress.stop();
  }
}

/** What was done before the first event of steps: those of the run that goes on are not this command's. */
function before({ step, losses, samples, imagesPerSecond }: StepEvent): Before {
  return { kept: step - losses.length, seconds: samples / imagesPerSecond };
}

function inWords(event: TrainEvent): string | undefined {
  if (event.type === 'resume') return `going on after step ${event.step} (${event.path})`;
  if (event.type === 'note') return `note: ${event.text}`;
  if (event.type !== 'eval') return undefined;
  const top1 = (100 * event.top1).toFixed(2);
  const ema = event.ema === undefined ? '' : ` (average: ${(100 * event.ema.top1).toFixed(2)} %)`;
  const scores = `test loss ${event.loss.toFixed(4)}, top-1 ${top1} %${ema}`;
  return `epoch ${event.epoch.toFixed(1)}: ${scores}${outputless(event.nonFinite)}`;
}

/** Says of a training of minutes what it will take, by its first steps. */
function tellNeeds(progress: Progress, event: StepEvent, model: Model, settings: TrainSettings): void {
  const { step, totalSteps, samples, losses, imagesPerSecond } = event;
  const seconds = ((totalSteps - step) * samples) / losses.length / imagesPerSecond;
  if (!(seconds > 60)) return;
  const { memory, disk } = estimateNeeds(model, settings);
  const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6).toLocaleString('en-US')} MB`;
  const needs = `${megabytes(memory)} of memory, ${megabytes(disk)} of checkpoints`;
  progress.log(`about ${clock(seconds)} of training steps, ${needs}`);
}
