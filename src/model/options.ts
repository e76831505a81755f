/** Options of a model and of its calls. */
import { z } from 'zod';
import { kindOrObject } from '../check.ts';
import { type LoadingOptions, loadingShape } from '../loading/loaderSpec.ts';
import {
  type Dtype,
  type NativeMemory,
  type NativeVjpOptions,
  type TensorSet,
  tensorSets,
} from '../native/binding.ts';
import {
  type PreprocessingInput,
  preprocessingShape,
  type SomePreprocessing,
} from '../transforms/preprocessing.ts';
import type { TransformInput } from '../transforms/transforms.ts';
import type { Adaptation } from './adapt.ts';
import { type AmpChoice, ampSchema } from './amp.ts';

/** Where a model computes, and in what precision. */
export interface ModelOptions extends PreprocessingInput {
  /** 'auto' (default): the first CUDA device where there is one, else the CPU. */
  readonly device?: 'auto' | 'cpu' | 'cuda' | `cuda:${number}` | undefined;
  /** Default 'float32'. */
  readonly dtype?: Dtype | undefined;
  /**
   * Seed of the initial weights, an integer from 0; default 0. The same seed gives the same weights
   * everywhere.
   */
  readonly seed?: number | undefined;
  /** Default: "0", "1", … */
  readonly classNames?: readonly string[] | undefined;
  /**
   * What happens to image files in evaluations and predictions; a checkpoint keeps it, and a training sets
   * it to what its own evaluations
   * have. Default: `usualEval` of the size, shorter side / 0.875 and then the middle, or up to 64 pixels
   * all of the image.
   */
  readonly transform?: TransformInput | undefined;
}

/**
 * Size of images given as pixels, or to which files are brought; default: that of the model. Other sizes
 * work where the layers allow them.
 */
export interface SizeOptions {
  readonly height?: number | undefined;
  readonly width?: number | undefined;
}

/** Options of `Model.predict` and `Model.logits`. */
export interface PredictOptions extends SizeOptions, PreprocessingInput {
  /** Guesses per image, default 5. */
  readonly topK?: number | undefined;
  /** `value` (default), or `ema`: the average that a training with `modelEma` keeps. */
  readonly weights?: 'value' | 'ema' | undefined;
  /**
   * Type of convolutions and linear layers, default 'none': the model's own; 'auto': bfloat16 where the
   * device multiplies it natively, else none.
   */
  readonly amp?: AmpChoice | undefined;
}

/**
 * What a training pass keeps for its backward: `store`, all of it (default); `recompute`, the states between
 * groups of `every` steps, the rest being computed again; `reverse`, not even these where a scheme can undo
 * its steps, so that memory does not grow with depth. All give the same gradients; batch statistics move
 * once.
 */
export type MemoryStrategy = NativeMemory;

/** A strategy as it may be written; its kind alone does too. */
export type MemoryStrategyInput =
  | MemoryStrategy['kind']
  | { readonly kind: 'store' | 'reverse' }
  | { readonly kind: 'recompute'; readonly every?: number | undefined };

/** Options of `Model.vjp`. */
export interface VjpOptions extends SizeOptions {
  /** Batch statistics (true) or running ones (false, default). */
  readonly training?: boolean | undefined;
  /** Of what a training pass draws, default 0. */
  readonly seed?: number | undefined;
  readonly memory?: MemoryStrategyInput | undefined;
  /**
   * Type of convolutions and linear layers, default 'none': the model's own; 'auto': bfloat16 where the
   * device multiplies it natively, else none.
   */
  readonly amp?: AmpChoice | undefined;
}

interface Place {
  readonly device: string;
  readonly dtype?: Dtype | undefined;
}

interface Creation extends Place, SomePreprocessing {
  readonly seed: number;
  readonly classNames?: readonly string[] | undefined;
}

const place = {
  device: z
    .string()
    .regex(/^(auto|cpu|cuda(:\d+)?)$/, { message: '"auto", "cpu", "cuda" or "cuda:<index>"' })
    .default('auto'),
  dtype: z.enum(['float32', 'float64']).optional(),
};
const side = z.int().min(1).optional();
const size = { height: side, width: side };

/** Options of `Model.load`: where to compute, and what else than its own the network is to serve for. */
export type LoadOptions = ModelOptions &
  Adaptation & {
    /** `value` (default), or `ema`: the average that a training with `modelEma` kept becomes the weights. */
    readonly weights?: 'value' | 'ema' | undefined;
  };

/** The weights themselves, or their average. */
export const weightsSchema: z.ZodType<'value' | 'ema', 'value' | 'ema' | undefined> = z
  .enum(['value', 'ema'])
  .default('value')
  .describe('the weights themselves, or the average that a training with modelEma keeps');

interface Loading extends Creation, Adaptation {
  readonly weights: 'value' | 'ema';
}

/** Options of `Model.load`. */
export const loadSchema: z.ZodType<Loading> = z.object({
  weights: weightsSchema,
  ...place,
  seed: z.int().min(0).default(0),
  classes: side,
  classNames: z.array(z.string()).min(1).optional(),
  input: z
    .tuple([z.int().min(1), z.int().min(1), z.int().min(1)])
    .readonly()
    .optional(),
  ...preprocessingShape,
});

/** Options of `Model.create`. */
export const createSchema: z.ZodType<Creation> = z.object({
  ...place,
  seed: z.int().min(0).default(0),
  classNames: z.array(z.string()).optional(),
  ...preprocessingShape,
});

/** Options of an evaluation, defaults filled in. */
export interface Evaluating extends LoadingOptions {
  readonly batch: number;
  /** Only the first so many batches; default all. */
  readonly batches: number | undefined;
  readonly weights: 'value' | 'ema';
  readonly amp: AmpChoice;
}

/** Options of `Model.evaluate`. */
export type EvaluateOptions = { readonly [K in keyof Evaluating]?: Evaluating[K] | undefined };

/** The options of an evaluation, in the schemas that have them. */
export const evaluateShape: {
  readonly [K in keyof Evaluating]: z.ZodType<Evaluating[K], Evaluating[K] | undefined>;
} = {
  batch: z.int().min(1).max(65_536).default(256).describe('images at a time'),
  batches: z.int().min(1).optional().describe('only the first so many batches (default: all)'),
  weights: weightsSchema,
  amp: ampSchema,
  ...loadingShape,
};

/** Options of `evaluate`. */
export const evaluateSchema: z.ZodType<Evaluating, EvaluateOptions> = z.object(evaluateShape);

/** Options of `probe`. */
export const sizeSchema: z.ZodType<SizeOptions> = z.object(size);

interface Predicting extends SizeOptions, SomePreprocessing {
  readonly topK: number;
  readonly weights: 'value' | 'ema';
  readonly amp: AmpChoice;
}

/** Options of `predict` and `logits`. */
export const predictSchema: z.ZodType<Predicting, PredictOptions> = z.object({
  topK: z.int().min(1).default(5),
  weights: weightsSchema,
  amp: ampSchema,
  ...size,
  ...preprocessingShape,
});

/** A strategy of memory. */
export const memorySchema: z.ZodType<MemoryStrategy, MemoryStrategyInput> = kindOrObject(
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('store'), every: z.literal(1).default(1) }),
    z.strictObject({ kind: z.literal('recompute'), every: z.int().min(1).max(100_000).default(1) }),
    z.strictObject({ kind: z.literal('reverse'), every: z.literal(1).default(1) }),
  ]),
);

/** Options of `vjp`. */
export const vjpSchema: z.ZodType<Omit<NativeVjpOptions, 'amp'> & SizeOptions & { readonly amp: AmpChoice }> =
  z.object({
    training: z.boolean().default(false),
    seed: z.int().min(0).default(0),
    memory: memorySchema.default({ kind: 'store', every: 1 }),
    amp: ampSchema,
    ...size,
  });

/** Which of a parameter's tensors. */
export const tensorSetSchema: z.ZodType<TensorSet> = z.enum(tensorSets);
