/** What a chunk of steps is told of as. */
import type { NativeChunkResult } from '../../native/binding.ts';
import type { StepEvent } from '../../run/events.ts';
import type { TrainSettings } from '../settings.ts';
import { type Span, stepScalars } from '../stepTable.ts';

/** The event of a chunk of at least one step, after so many steps in all. */
export function stepEvent(
  { steps, losses, samples, correct1, seconds }: NativeChunkResult,
  step: number,
  settings: TrainSettings,
  span: Span,
): StepEvent {
  return {
    type: 'step',
    step,
    totalSteps: span.totalSteps,
    epoch: step / span.stepsPerEpoch,
    loss: losses.reduce((a, b) => a + b, 0) / steps,
    losses: [...losses],
    samples,
    top1: correct1 / samples,
    lr: stepScalars(settings, span, step - 1).lr,
    imagesPerSecond: samples / seconds,
  };
}
