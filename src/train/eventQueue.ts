/** How the events of a run reach their reader. */
import type { StepEvent, TrainEvent } from '../run/events.ts';

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
