/** One request in a queue: its images, and the promise of their logits. */
import { LmError } from '../errors.ts';
import { onAbort } from './aborts.ts';

/** What decodes and computes. */
export interface Engine<I> {
  /** The pixels of an image, as the network takes them. */
  decode(image: I, name: string): Promise<Uint8Array>;
  /** Logits of images of one size, [n, classes]. */
  compute(pixels: readonly Uint8Array[]): Promise<Float32Array>;
}

/** An image, and its pixels where there is nothing to decode. */
export interface Submitted<I> {
  readonly image: I;
  readonly pixels: Uint8Array | null;
  /** In messages. */
  readonly name: string;
}

/** Images of a request that are ready together. */
export interface Group<I> {
  readonly tickets: readonly Ticket<I>[];
  /** Files that are still to be decoded. */
  undecoded: number;
}

/** An image in a queue. */
export interface Ticket<I> extends Submitted<I> {
  readonly job: Job<I>;
  readonly group: Group<I>;
  readonly index: number;
  pixels: Uint8Array | null;
}

/** How a request ended. */
export type Outcome = 'done' | 'failed' | 'aborted';

/** A request: ended once all its images have logits, one has failed, or it was aborted. */
export class Job<I> {
  readonly engine: Engine<I>;
  readonly images: number;
  readonly result: Promise<readonly Float32Array[]>;
  readonly start: number = performance.now();
  /** Images that are not computed yet. */
  waiting: number;
  /** True once it has its answer. */
  ended = false;
  readonly #submitted: readonly Submitted<I>[];
  readonly #rows: Float32Array[] = [];
  readonly #onEnd: (job: Job<I>, outcome: Outcome) => void;
  readonly #forgetSignal: (() => void) | undefined;
  #resolve: (rows: readonly Float32Array[]) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  #left: number;

  constructor(
    engine: Engine<I>,
    submitted: readonly Submitted<I>[],
    onEnd: (job: Job<I>, outcome: Outcome) => void,
    signal?: AbortSignal,
  ) {
    this.engine = engine;
    this.images = submitted.length;
    this.waiting = submitted.length;
    this.#left = submitted.length;
    this.#submitted = submitted;
    this.#onEnd = onEnd;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#forgetSignal = signal && onAbort(signal, () => this.#abort(signal.reason));
  }

  /** Its images, at most so many together. */
  groups(most: number): Group<I>[] {
    return Array.from({ length: Math.ceil(this.images / most) }, (_, g) => {
      const tickets: Ticket<I>[] = [];
      const group: Group<I> = { tickets, undecoded: 0 };
      for (const [i, one] of this.#submitted.slice(g * most, (g + 1) * most).entries())
        tickets.push({ ...one, job: this, group, index: g * most + i });
      return group;
    });
  }

  /** One of its images has its logits. */
  settle({ index }: Ticket<I>, logits: Float32Array): void {
    this.#rows[index] = logits;
    if (--this.#left === 0) this.#end('done', () => this.#resolve(this.#rows));
  }

  fail(error: unknown): void {
    this.#end('failed', () => this.#reject(error));
  }

  #abort(cause: unknown): void {
    const error = new LmError('ERR_ABORTED', 'The request was aborted', { cause });
    this.#end('aborted', () => this.#reject(error));
  }

  #end(outcome: Outcome, settle: () => void): void {
    if (this.ended) return;
    this.ended = true;
    this.#forgetSignal?.();
    settle();
    this.#onEnd(this, outcome);
  }
}
