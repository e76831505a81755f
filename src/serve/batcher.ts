/**
 * Requests into batches. One that finds the machine idle runs at once; those that come meanwhile are the next
 * batch. Files are decoded beside the computing, and as many batches compute as there are replicas.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LmError } from '../errors.ts';
import { must } from '../must.ts';
import { type Engine, Job, type Outcome, type Submitted, type Ticket } from './job.ts';
import type { Recorder } from './statistics.ts';

/** How much is done at once, and how much may wait. */
export interface Limits {
  readonly maxBatch: number;
  readonly maxDelayMs: number;
  readonly maxQueue: number;
  readonly decoders: number;
  /** Batches that compute at a time. */
  readonly replicas: number;
}

/** Each becomes a response, which takes the event loop a while: between so many others are heard. */
const answersInATurn = 4;

/** Gathers the images of requests into batches. */
export class Batcher<I> {
  readonly #limits: Limits;
  readonly #recorder: Recorder;
  /** Files to be decoded, in the order of requests. */
  readonly #files: Ticket<I>[] = [];
  /** Images with their pixels, in the order in which they came to be ready. */
  readonly #ready: Ticket<I>[] = [];
  readonly #jobs = new Set<Job<I>>();
  #waiting = 0;
  #decoding = 0;
  /** Images, and the batches that they are in. */
  #computing = 0;
  #batches = 0;
  #timer: NodeJS.Timeout | undefined;
  #draining: { readonly done: Promise<void>; readonly finish: () => void } | null = null;

  constructor(limits: Limits, recorder: Recorder) {
    this.#limits = limits;
    this.#recorder = recorder;
  }

  /** Images that wait for their turn, decoded or not, and those that are computed now. */
  get load(): { readonly waiting: number; readonly computing: number } {
    return { waiting: this.#waiting, computing: this.#computing };
  }

  /**
   * The logits of images, one row each.
   *
   * @throws ERR_BUSY when the queue has no room, ERR_TOO_LARGE when it never has, ERR_ABORTED, ERR_CLOSED;
   *   what decoding and computing throw.
   */
  submit(
    engine: Engine<I>,
    images: readonly Submitted<I>[],
    signal?: AbortSignal,
  ): Promise<readonly Float32Array[]> {
    this.#admit(images.length, signal);
    const job = new Job(engine, images, (ended, outcome) => this.#onEnd(ended, outcome), signal);
    this.#jobs.add(job);
    this.#waiting += images.length;
    this.#enqueue(job);
    this.#pump();
    return job.result;
  }

  /** Takes no more requests; resolves when those taken have their answers. */
  drain(): Promise<void> {
    if (this.#draining === null) {
      let finish = (): void => undefined;
      const done = new Promise<void>((resolve) => {
        finish = resolve;
      });
      this.#draining = { done, finish };
      this.#pump();
    }
    return this.#draining.done;
  }

  #admit(count: number, signal: AbortSignal | undefined): void {
    const { maxQueue } = this.#limits;
    if (this.#draining !== null)
      throw new LmError('ERR_CLOSED', 'The classifier was closed', { hint: 'Open another one.' });
    if (signal?.aborted)
      throw new LmError('ERR_ABORTED', 'The request was aborted before it began', { cause: signal.reason });
    if (count > maxQueue) {
      const message = `Expected at most ${maxQueue} images in a request but received ${count}`;
      throw new LmError('ERR_TOO_LARGE', message, {
        hint: 'Send them in several requests, or raise `maxQueue`.',
      });
    }
    if (this.#waiting + count <= maxQueue) return;
    this.#recorder.refused(count);
    throw new LmError('ERR_BUSY', `The queue is full: ${this.#waiting} images wait, of at most ${maxQueue}`, {
      hint: 'Repeat the request a little later.',
    });
  }

  /** Pixels are ready; the files of a request are so together, up to a batch, as if it were alone. */
  #enqueue(job: Job<I>): void {
    for (const group of job.groups(this.#limits.maxBatch)) {
      const files = group.tickets.filter(({ pixels }) => pixels === null);
      group.undecoded = files.length;
      this.#files.push(...files);
      if (files.length === 0) this.#ready.push(...group.tickets);
    }
  }

  #pump(): void {
    while (this.#decoding < this.#limits.decoders && this.#files.length > 0) {
      const ticket = must(this.#files.shift());
      if (!ticket.job.ended) void this.#decode(ticket);
    }
    while (this.#batches < this.#limits.replicas && this.#ready.length > 0) {
      const batch = this.#nextBatch();
      if (batch.length === 0) break;
      void this.#compute(batch);
    }
    const idle = this.#jobs.size === 0 && this.#decoding === 0 && this.#batches === 0;
    if (idle) this.#draining?.finish();
  }

  async #decode(ticket: Ticket<I>): Promise<void> {
    this.#decoding++;
    const start = performance.now();
    const { job, group } = ticket;
    try {
      ticket.pixels = await job.engine.decode(ticket.image, ticket.name);
      this.#recorder.decoded(performance.now() - start);
      if (--group.undecoded === 0 && !job.ended) this.#ready.push(...group.tickets);
    } catch (error) {
      job.fail(error);
    }
    this.#decoding--;
    this.#pump();
  }

  /** Images of one engine that are computed now: none while others may still join them. */
  #nextBatch(): readonly Ticket<I>[] {
    const first = this.#ready.findIndex(({ job }) => !job.ended);
    this.#ready.splice(0, first < 0 ? this.#ready.length : first);
    if (first < 0 || this.#isHeldBack()) return [];
    const { engine } = must(this.#ready[0]).job;
    const batch: Ticket<I>[] = [];
    while (batch.length < this.#limits.maxBatch && this.#ready.length > 0) {
      const next = must(this.#ready[0]);
      if (!next.job.ended && next.job.engine !== engine) break;
      this.#ready.shift();
      if (!next.job.ended) batch.push(next);
    }
    return batch;
  }

  /** True while the oldest image may wait for others. */
  #isHeldBack(): boolean {
    const { maxBatch, maxDelayMs } = this.#limits;
    if (maxDelayMs === 0 || this.#ready.length >= maxBatch || this.#draining !== null) return false;
    const left = must(this.#ready[0]).job.start + maxDelayMs - performance.now();
    if (left <= 0) return false;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#pump();
    }, left);
    return true;
  }

  async #compute(batch: readonly Ticket<I>[]): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#computing += batch.length;
    this.#batches++;
    this.#waiting -= batch.length;
    for (const { job } of batch) job.waiting--;
    const start = performance.now();
    try {
      const logits = await must(batch[0]).job.engine.compute(batch.map(({ pixels }) => must(pixels)));
      this.#recorder.computed(batch.length, performance.now() - start);
      this.#leave(batch);
      this.#pump(); // the next batch computes while answers are made
      const classes = logits.length / batch.length;
      for (const [i, ticket] of batch.entries()) {
        if (i > 0 && i % answersInATurn === 0) await nextTurn();
        ticket.job.settle(ticket, logits.subarray(i * classes, (i + 1) * classes));
      }
    } catch (error) {
      this.#leave(batch);
      for (const { job } of batch) job.fail(error);
    }
    this.#pump();
  }

  #leave({ length }: readonly Ticket<I>[]): void {
    this.#computing -= length;
    this.#batches--;
  }

  #onEnd(job: Job<I>, outcome: Outcome): void {
    this.#jobs.delete(job);
    this.#waiting -= job.waiting;
    job.waiting = 0;
    this.#recorder.ended(job.images, outcome, performance.now() - job.start);
    this.#pump();
  }
}
