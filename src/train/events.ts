/** What a run tells while it goes on, and how it is told. */
import type { EvalRow, StepRow, WarningRow } from '../metricsRow.ts';

/** Training went on: the steps since the last event. */
export interface StepEvent extends StepRow {
  /** Steps of the whole run. */
  readonly totalSteps: number;
  /** Loss of every step since the last event. */
  readonly losses: readonly number[];
  /** Images since the last event. */
  readonly samples: number;
}

/** The held-out images were evaluated. */
export interface EvalEvent extends EvalRow {
  readonly count: number;
}

/** A checkpoint of `step` was written, while later steps went on. */
export interface CheckpointEvent {
  readonly type: 'checkpoint';
  readonly step: number;
  readonly path: string;
}

/** A run goes on from a checkpoint: the first event of a resumed one. */
export interface ResumeEvent {
  readonly type: 'resume';
  readonly step: number;
  readonly path: string;
}

/** An image could not be used: another took its place, or an evaluation left it out. Each is told of once. */
export type WarningEvent = WarningRow;

export type TrainEvent = StepEvent | EvalEvent | CheckpointEvent | ResumeEvent | WarningEvent;

/** Two neighbouring step events as one: for a reader who is slower than the training. */
export function joined(a: StepEvent, b: StepEvent): StepEvent {
  const samples = a.samples + b.samples;
  const losses = [...a.losses, ...b.losses];
  return {
    ...b,
    losses,
    samples,
    loss: losses.reduce((x, y) => x + y, 0) / losses.length,
    top1: (a.top1 * a.samples + b.top1 * b.samples) / samples,
  };
}

/** Events on their way to one reader: unread step events are joined, so that the queue stays short. */
export class EventQueue {
  readonly #events: TrainEvent[] = [];
  #wake: (() => void) | null = null;
  #ended = false;

  push(event: TrainEvent): void {
    const last = this.#events.at(-1);
    if (last?.type === 'step' && event.type === 'step')
      this.#events[this.#events.length - 1] = joined(last, event);
    else this.#events.push(event);
    this.#notify();
  }

  end(): void {
    this.#ended = true;
    this.#notify();
  }

  /** The next event; undefined after the last. */
  async next(): Promise<TrainEvent | undefined> {
    while (this.#events.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#events.shift();
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
