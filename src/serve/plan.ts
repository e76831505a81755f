/** How a classifier uses the machine, and why so. */
import type { Amp } from '../native/binding.ts';
import { native } from '../native/load.ts';
import type { Limits } from './batcher.ts';
import type { Serving } from './options.ts';

/** How a classifier uses the machine. */
export interface ClassifierPlan {
  /** Models that compute side by side. */
  readonly replicas: number;
  /** That compute, of all replicas together. */
  readonly threads: number;
  /** Files that are decoded at a time. */
  readonly decoders: number;
  /** Images that are computed together at most. */
  readonly maxBatch: number;
  /** Type of convolutions and linear layers. */
  readonly amp: Amp;
  /** Where these numbers come from, in words. */
  readonly chosen: string;
}

/** The plan that options come to. */
export function planOf(given: Serving, limits: Limits, device: string): Omit<ClassifierPlan, 'amp'> {
  const { replicas, decoders, maxBatch } = limits;
  const { threads } = native().info();
  const because = (told: unknown, rule: string): string => (told === undefined ? rule : 'as told');
  const onGpu = device === 'cpu' ? 'one for every 16 threads' : 'one on a GPU';
  const chosen = [
    `${threads} threads: ${because(given.threads, 'OMP_NUM_THREADS, init or the available cores')}`,
    `replicas: ${because(given.replicas, onGpu)}`,
    `decoders: ${because(given.decoders, 'the available cores')}`,
  ].join('; ');
  return { replicas, threads, decoders, maxBatch, chosen };
}
