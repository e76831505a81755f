/** Options of a classifier and of its calls. */
import { z } from 'zod';
import { maxThreads } from '../cores.ts';
import { ampSchema } from '../model/amp.ts';
import { type LoadOptions, type PredictOptions, weightsSchema } from '../model/options.ts';

/** Options of `Classifier.open`. */
export interface ClassifierOptions {
  /** 'auto' (default): the first CUDA device where there is one, else the CPU. */
  readonly device?: LoadOptions['device'];
  /** Threads that compute, of the whole process; default: as `init` says, the available cores. */
  readonly threads?: number | undefined;
  /** Type of convolutions and linear layers, as in `Model.predict`, 'auto' too; default 'none'. */
  readonly amp?: PredictOptions['amp'];
  /** `value` (default), or `ema`: the average that a training with `modelEma` keeps. */
  readonly weights?: PredictOptions['weights'];
  /** Images that are computed together at most, 1 to 4096, default 32. */
  readonly maxBatch?: number | undefined;
  /**
   * Milliseconds that a request may be held back on an idle machine, for others to share its batch; default
   * 0: it runs at once. A batch that is full never waits.
   */
  readonly maxDelayMs?: number | undefined;
  /** Images that may wait for their turn; more are ERR_BUSY at once. Default 8 · maxBatch, at least 256. */
  readonly maxQueue?: number | undefined;
  /**
   * Models with weights of their own that compute side by side, each with its part of the threads, 1 to 64;
   * default: one for every 16 threads, on a GPU one.
   */
  readonly replicas?: number | undefined;
  /** Image files that are decoded at a time, on native threads; default: the available cores. */
  readonly decoders?: number | undefined;
  /** Bytes that an image file may have, default 2^26 (64 MiB). */
  readonly maxBytes?: number | undefined;
  /** Pixels that an image file may claim to have, default 2^26, up to 10^8. */
  readonly maxPixels?: number | undefined;
}

/** Options of `Classifier.classify`. */
export interface ClassifyOptions {
  /** Guesses per image, default 5. */
  readonly topK?: number | undefined;
  /** Aborts it: what waits leaves the queue, what computes is not waited for. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of a classifier, defaults filled in; what is left out is decided elsewhere. */
export interface Serving {
  readonly device?: LoadOptions['device'];
  readonly threads?: number | undefined;
  readonly amp: NonNullable<ClassifierOptions['amp']>;
  readonly weights: NonNullable<ClassifierOptions['weights']>;
  readonly maxBatch: number;
  readonly maxDelayMs: number;
  readonly maxQueue?: number | undefined;
  readonly replicas?: number | undefined;
  readonly decoders?: number | undefined;
  readonly maxBytes: number;
  readonly maxPixels: number;
}

/** The options of a classifier, in the schemas that have them. */
export const servingShape: {
  readonly [K in Exclude<keyof Serving, 'device' | 'threads'>]: z.ZodType<Serving[K], Serving[K] | undefined>;
} = {
  amp: ampSchema,
  weights: weightsSchema,
  maxBatch: z.int().min(1).max(4096).default(32).describe('images that are computed together at most'),
  maxDelayMs: z
    .number()
    .min(0)
    .max(60_000)
    .default(0)
    .describe('milliseconds that an idle machine waits for more images to share a batch'),
  maxQueue: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('images that may wait for their turn (default: 8 times maxBatch, at least 256)'),
  replicas: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe('models that compute side by side (default: one for every 16 threads, on a GPU one)'),
  decoders: z
    .int()
    .min(1)
    .max(maxThreads)
    .optional()
    .describe('image files that are decoded at a time (default: the available cores)'),
  maxBytes: z
    .int()
    .min(1)
    .max(2 ** 31 - 1)
    .default(2 ** 26)
    .describe('bytes that an image file may have'),
  maxPixels: z
    .int()
    .min(1)
    .max(100_000_000)
    .default(2 ** 26)
    .describe('pixels that an image file may claim to have'),
};

/** Options of `Classifier.open`; what concerns the model is checked where it is loaded. */
export const servingSchema: z.ZodType<Serving, ClassifierOptions> = z.object({
  device: z.custom<LoadOptions['device']>().optional(),
  threads: z.int().min(1).max(maxThreads).optional(),
  ...servingShape,
});

/** Options of `classify`, defaults filled in. */
export interface Classifying {
  readonly topK: number;
  readonly signal?: AbortSignal | undefined;
}

/** Options of `classify`. */
export const classifySchema: z.ZodType<Classifying, ClassifyOptions> = z.object({
  topK: z.int().min(1).default(5),
  signal: z.instanceof(AbortSignal, { message: 'an AbortSignal' }).optional(),
});
