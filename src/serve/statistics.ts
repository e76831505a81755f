/** What a classifier did since it was opened. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { must } from '../must.ts';
import type { Outcome } from './job.ts';

/** Milliseconds; null where nothing was measured. */
export interface Timing {
  readonly count: number;
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** What a classifier did since it was opened, and what waits. */
export interface ClassifierStats {
  /** Images. */
  readonly queue: { readonly waiting: number; readonly computing: number; readonly limit: number };
  /** Images by how their request ended; those of requests under way are in none of these. */
  readonly images: Readonly<Record<Outcome | 'refused', number>>;
  readonly batches: {
    readonly count: number;
    readonly meanSize: number | null;
    /** Number of batches by their size. */
    readonly sizes: Readonly<Record<number, number>>;
  };
  /** From the call to its answer, of requests that were answered. */
  readonly latencyMs: Timing;
  /** Of one file. */
  readonly decodeMs: Timing;
  /** Of one batch. */
  readonly computeMs: Timing;
}

/** What may be followed, as it happens. */
export interface Observer {
  /** A batch was computed. */
  batch?(images: number, ms: number): void;
  /** A file was decoded. */
  decoded?(ms: number): void;
  /** A request ended. */
  ended?(images: number, outcome: Outcome, ms: number): void;
  /** Images found no room. */
  refused?(images: number): void;
}

/** Counts what happens. */
export class Recorder {
  readonly #images = { done: 0, failed: 0, aborted: 0, refused: 0 };
  readonly #sizes = new Map<number, number>();
  readonly #latency = createHistogram();
  readonly #decode = createHistogram();
  readonly #compute = createHistogram();
  readonly #observers = new Set<Observer>();

  /** Tells an observer of what happens; the result ends it. */
  observe(observer: Observer): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  decoded(ms: number): void {
    this.#decode.record(microseconds(ms));
    for (const { decoded } of this.#observers) decoded?.(ms);
  }

  computed(images: number, ms: number): void {
    this.#sizes.set(images, (this.#sizes.get(images) ?? 0) + 1);
    this.#compute.record(microseconds(ms));
    for (const { batch } of this.#observers) batch?.(images, ms);
  }

  ended(images: number, outcome: Outcome, ms: number): void {
    this.#images[outcome] += images;
    if (outcome === 'done') this.#latency.record(microseconds(ms));
    for (const { ended } of this.#observers) ended?.(images, outcome, ms);
  }

  refused(images: number): void {
    this.#images.refused += images;
    for (const { refused } of this.#observers) refused?.(images);
  }

  /** What was counted, beside what the queue holds. */
  stats(queue: ClassifierStats['queue']): ClassifierStats {
    const sizes = [...this.#sizes].toSorted(([a], [b]) => a - b);
    const count = sizes.reduce((sum, [, n]) => sum + n, 0);
    const images = sizes.reduce((sum, [size, n]) => sum + size * n, 0);
    return {
      queue,
      images: { ...this.#images },
      batches: { count, meanSize: count === 0 ? null : images / count, sizes: Object.fromEntries(sizes) },
      latencyMs: timing(this.#latency),
      decodeMs: timing(this.#decode),
      computeMs: timing(this.#compute),
    };
  }
}

/** Histograms count whole numbers from 1. */
function microseconds(ms: number): number {
  return Math.max(1, Math.round(1000 * ms));
}

function timing(histogram: RecordableHistogram): Timing {
  const { count } = histogram;
  if (count === 0) return { count, mean: null, p50: null, p99: null, max: null };
  const [mean, p50, p99, max] = [
    histogram.mean,
    histogram.percentile(50),
    histogram.percentile(99),
    histogram.max,
  ].map((us) => us / 1000);
  return { count, mean: must(mean), p50: must(p50), p99: must(p99), max: must(max) };
}
