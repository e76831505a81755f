/** A training on a terminal: its events as progress, and its end at a signal. */
import { parseOptions } from '../check.ts';
import type { Model } from '../model/model.ts';
import type { StepEvent } from '../run/events.ts';
import { estimateNeeds } from '../search/estimate.ts';
import { trainSchema } from '../train/options.ts';
import { type TrainData, type TrainOptions, train } from '../train/train.ts';
import type { TrainResult, TrainRun } from '../train/trainRun.ts';
import { clock, createProgress, type Progress } from './progress.ts';
import { withSignals } from './signals.ts';

interface Flags {
  readonly quiet?: boolean;
}

/** Trains, shows it, and ends it at a signal. */
export function followed(
  model: Model,
  data: TrainData,
  options: TrainOptions,
  flags: Flags,
): Promise<TrainResult> {
  return withSignals((signal) => follow(train(model, data, { ...options, signal }), flags, model, options));
}

/** Shows a run's events until it ends. */
async function follow(
  run: TrainRun,
  { quiet = false }: Flags,
  model: Model,
  options: TrainOptions,
): Promise<TrainResult> {
  const progress = createProgress({ quiet });
  let started = false;
  try {
    for await (const event of run) {
      if (event.type === 'step') {
        if (!started) {
          progress.start(event.totalSteps);
          if (!quiet) tellNeeds(progress, event, model, options);
        }
        started = true;
        progress.update(event);
      } else if (event.type === 'resume') {
        if (!quiet) progress.log(`going on after step ${event.step} (${event.path})`);
      } else if (event.type === 'warning') {
        progress.log(`bad image ${event.name}: ${event.reason}`);
      } else if (event.type === 'eval' && !quiet) {
        const top1 = (100 * event.top1).toFixed(2);
        const ema = event.ema === undefined ? '' : ` (average: ${(100 * event.ema.top1).toFixed(2)} %)`;
        progress.log(
          `epoch ${event.epoch.toFixed(1)}: test loss ${event.loss.toFixed(4)}, top-1 ${top1} %${ema}`,
        );
      }
    }
  } finally {
    progress.stop();
  }
  return run;
}

/** Says of a training of minutes what it will take, by its first steps. */
function tellNeeds(progress: Progress, event: StepEvent, model: Model, options: TrainOptions): void {
  const { step, totalSteps, samples, losses, imagesPerSecond } = event;
  const seconds = ((totalSteps - step) * samples) / losses.length / imagesPerSecond;
  if (!(seconds > 60)) return;
  const { run, resume, signal, ...settings } = options;
  const { memory, disk } = estimateNeeds(model, parseOptions(trainSchema, settings, 'train'));
  const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6).toLocaleString('en-US')} MB`;
  const needs = `${megabytes(memory)} of memory, ${megabytes(disk)} of checkpoints`;
  progress.log(`about ${clock(seconds)} of training steps, ${needs}`);
}
