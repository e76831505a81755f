/** A training under way. */
import type { Evaluation } from '../native/binding.ts';
import type { TrainEvent } from '../run/events.ts';
import { EventQueue } from './eventQueue.ts';

/** What a training came to. */
export interface TrainResult {
  /** Steps done. */
  readonly steps: number;
  readonly epochs: number;
  /** Mean loss of the last steps, since the last event. */
  readonly loss: number;
  /** Steps that moved nothing, for their gradient overflowed in float16; 0 in every other precision. */
  readonly skipped: number;
  /** The last evaluation; null without held-out images. */
  readonly evaluation: Evaluation | null;
  /** Seconds spent in training steps, evaluation and files aside. */
  readonly seconds: number;
  readonly imagesPerSecond: number;
  /** Path of the checkpoint; null without a run folder. */
  readonly checkpoint: string | null;
  /** Path of the run folder; null without one. */
  readonly run: string | null;
  /** True when the run was stopped before its last step. */
  readonly stopped: boolean;
}

/**
 * A training under way: a promise of its result and an async iterable of its events, both or either. Leaving
 * the loop stops the training after the step under way. An error (ERR_NOT_FINITE, ERR_ABORTED, ERR_FILE, …)
 * rejects the promise and ends the loop with it; one that nobody awaits is not an unhandled rejection.
 *
 * @example
 * const run = train(model, { train: digits });
 * for await (const e of run) if (e.type === 'step') console.log(e.step, e.loss);
 * const { evaluation } = await run;
 */
export class TrainRun implements PromiseLike<TrainResult>, AsyncIterable<TrainEvent, void> {
  readonly #result: Promise<TrainResult>;
  readonly #queues = new Set<EventQueue>();
  readonly #stop: () => void;

  /** @internal */
  constructor(work: (emit: (event: TrainEvent) => void) => Promise<TrainResult>, stop: () => void) {
    this.#stop = stop;
    this.#result = work((event) => {
      for (const queue of this.#queues) queue.push(event);
    }).finally(() => {
      for (const queue of this.#queues) queue.end();
    });
    this.#result.catch(() => {}); // told to whoever awaits or iterates
  }

  // biome-ignore lint/suspicious/noThenProperty: a run is awaited like a promise, by design
  then<A = TrainResult, B = never>(
    fulfilled?: ((value: TrainResult) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#result.then(fulfilled, rejected);
  }

  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<TrainResult | B> {
    return this.#result.catch(rejected);
  }

  finally(done?: (() => void) | null): Promise<TrainResult> {
    return this.#result.finally(done);
  }

  /** Ends the training after the step under way; the promise then resolves with `stopped: true`. */
  stop(): Promise<TrainResult> {
    this.#stop();
    return this.#result;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TrainEvent, void, void> {
    const queue = new EventQueue();
    this.#queues.add(queue);
    const over = this.#result.then(
      () => queue.end(),
      () => queue.end(),
    );
    let finished = false;
    try {
      for (let event = await queue.next(); event !== undefined; event = await queue.next()) yield event;
      finished = true;
    } finally {
      this.#queues.delete(queue);
      if (!finished) this.#stop();
      await over;
    }
    await this.#result;
  }
}
