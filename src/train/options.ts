/** The options of a training, one row each: for the API, the configuration file and the command line. */
import { z } from 'zod';
import { loadingShape } from '../loading/loaderSpec.ts';
import { ampSchema } from '../model/amp.ts';
import { memorySchema } from '../model/options.ts';
import { oneCycle, scheduleSchema } from './schedules.ts';
import type { TrainSettings, TrainSettingsInput } from './settings.ts';

/**
 * What is true of an option: it has an influence on the `weights`, or on what a checkpoint holds beside them,
 * so that a run goes on with the same value alone; a `trial`, some steps before a training, depends on it.
 */
type Trait = 'weights' | 'trial';

interface Option<T, Input> {
  /** What it may be, its default, and its meaning. */
  readonly schema: z.ZodType<T, Input>;
  readonly traits: readonly Trait[];
}

const option = <T, Input>(schema: z.ZodType<T, Input>, ...traits: readonly Trait[]): Option<T, Input> => ({
  schema,
  traits,
});

const belowOne = z.number().min(0).lt(1);
const alpha = z.number().min(0).max(1e6).default(0);
const probability = z.number().min(0).max(1);

/** Every option: what it may be, its default, its meaning, and what is true of it. */
const options: {
  readonly [K in keyof TrainSettings]-?: Option<TrainSettings[K], TrainSettingsInput[K]>;
} = {
  epochs: option(z.int().min(1).default(1).describe('passes over the training images'), 'weights'),
  batch: option(
    z.int().min(1).max(65_536).default(128).describe('images in a batch, of one rank'),
    'weights',
    'trial',
  ),
  globalBatch: option(
    z.int().min(1).max(1e9).optional().describe('images in a step of all ranks, instead of --batch'),
    'weights',
  ),
  accumulate: option(
    z.int().min(1).max(65_536).default(1).describe('batches of one step: their gradients are averaged'),
    'weights',
    'trial',
  ),
  lr: option(z.number().min(0).default(0.1).describe('peak learning rate, per step'), 'weights'),
  lrBase: option(
    z
      .number()
      .min(0)
      .optional()
      .describe('peak learning rate for so many images as --lr-base-size says, instead of --lr'),
    'weights',
  ),
  lrBaseSize: option(
    z.int().min(1).default(256).describe('images in a step that --lr-base is for'),
    'weights',
  ),
  lrBaseScale: option(
    z
      .enum(['linear', 'sqrt'])
      .optional()
      .describe('how --lr-base grows with the images (default: sqrt for adamw and lamb, else linear)'),
    'weights',
  ),
  schedule: option(
    scheduleSchema
      .default(() => oneCycle())
      .describe('how the rate follows from the step (default: oneCycle)'),
    'weights',
  ),
  optimizer: option(
    z.enum(['sgd', 'adamw', 'lars', 'lamb']).default('sgd').describe('what is done with the gradient'),
    'weights',
    'trial',
  ),
  momentum: option(belowOne.default(0.9).describe('momentum of SGD and LARS'), 'weights', 'trial'),
  nesterov: option(
    z.boolean().default(true).describe("Nesterov's momentum in SGD and LARS"),
    'weights',
    'trial',
  ),
  dampening: option(
    belowOne.default(0).describe('part of a gradient that SGD and LARS keep out of the momentum'),
    'weights',
    'trial',
  ),
  betas: option(
    z
      .tuple([belowOne, belowOne])
      .readonly()
      .default([0.9, 0.999])
      .describe('decay of the two moments of AdamW and LAMB'),
    'weights',
    'trial',
  ),
  eps: option(
    z.number().positive().optional().describe('keeps divisions finite (default: 1e-8, in LAMB 1e-6)'),
    'weights',
    'trial',
  ),
  trustCoefficient: option(
    z
      .number()
      .positive()
      .default(1e-3)
      .describe("LARS: share of a tensor's norm that a step at rate 1 moves it"),
    'weights',
    'trial',
  ),
  weightDecay: option(
    z.number().min(0).default(1e-4).describe('L2 penalty on the weights of convolutions and linear layers'),
    'weights',
    'trial',
  ),
  decayNorm: option(
    z.boolean().default(false).describe('weight decay on norm weights and on biases too'),
    'weights',
    'trial',
  ),
  layerDecay: option(
    z
      .number()
      .positive()
      .max(1)
      .default(1)
      .describe('factor on the rate from each layer to the one below it'),
    'weights',
    'trial',
  ),
  freeze: option(
    z.array(z.string().min(1)).readonly().default([]).describe('paths whose parameters stay as they are'),
    'weights',
    'trial',
  ),
  freezeDepth: option(
    z.number().min(0).max(1).default(0).describe('freeze parameters below this depth (0: stem, 1: head)'),
    'weights',
    'trial',
  ),
  clipGrad: option(
    z.number().positive().optional().describe('bound on the gradient of a step'),
    'weights',
    'trial',
  ),
  clipMode: option(
    z
      .enum(['norm', 'value', 'agc'])
      .default('norm')
      .describe("what --clip-grad bounds: the norm, every value, or units' norms by their weights'"),
    'weights',
    'trial',
  ),
  modelEma: option(
    z.boolean().default(false).describe('keep an average of the weights beside them'),
    'weights',
    'trial',
  ),
  modelEmaDecay: option(
    belowOne.default(0.9998).describe('what the average keeps of itself at every step'),
    'weights',
  ),
  modelEmaWarmup: option(
    z.boolean().default(false).describe('let the average keep less of itself at first'),
    'weights',
  ),
  sizes: option(
    z
      .array(z.int().min(1).max(16_383))
      .min(1)
      .readonly()
      .optional()
      .describe('sides of the training images, each for an equal share of the epochs: 128,160,192'),
    'weights',
    'trial',
  ),
  loss: option(
    z
      .enum(['crossEntropy', 'bce'])
      .default('crossEntropy')
      .describe('what is minimised: cross entropy, or binary cross entropies of all classes'),
    'weights',
    'trial',
  ),
  smoothing: option(
    belowOne.default(0).describe('part of a target that is spread over all classes'),
    'weights',
    'trial',
  ),
  bceTargetThreshold: option(
    belowOne.optional().describe('with --loss bce: targets above it become 1, the others 0'),
    'weights',
    'trial',
  ),
  mixup: option(alpha.describe('Mixup: α of the law Beta(α, α) of the shares; 0 is off'), 'weights', 'trial'),
  cutmix: option(
    alpha.describe('CutMix: α of the law Beta(α, α) of the areas; 0 is off'),
    'weights',
    'trial',
  ),
  mixupProb: option(probability.default(1).describe('probability that a batch is mixed'), 'weights', 'trial'),
  mixupSwitchProb: option(
    probability.default(0.5).describe('probability of CutMix where both are on'),
    'weights',
    'trial',
  ),
  mixupOffEpoch: option(
    z.int().min(0).default(0).describe('no mixing from this epoch on; 0 is never'),
    'weights',
  ),
  seed: option(z.int().min(0).default(0).describe('seed of the order of the images'), 'weights', 'trial'),
  amp: option(ampSchema, 'weights', 'trial'),
  memory: option(
    memorySchema
      .default({ kind: 'store', every: 1 })
      .describe('what a step keeps for its backward pass: store, recompute or reverse (default: store)'),
    'weights',
    'trial',
  ),
  steps: option(
    z.int().min(1).optional().describe('end after so many steps; the schedule is laid over them'),
    'weights',
  ),
  checkpointEvery: option(
    z
      .int()
      .min(1)
      .optional()
      .describe('steps between checkpoints, beside those of evaluations (default: an epoch)'),
  ),
  keepLast: option(z.int().min(1).default(2).describe('so many of the last checkpoints are kept')),
  keepBest: option(
    z
      .int()
      .min(0)
      .default(1)
      .describe('so many checkpoints of the best test top-1 are kept (those with a NaN count last)'),
  ),
  evalEvery: option(z.int().min(1).default(1).describe('epochs from one evaluation to the next')),
  evalBatches: option(
    z.int().min(1).optional().describe('evaluate only the first so many batches (default: all)'),
  ),
  earlyStopPatience: option(
    z
      .int()
      .min(1)
      .optional()
      .describe('end when the best test top-1 lies so many epochs back (default: never)'),
  ),
  augRepeats: option(
    z
      .int()
      .min(1)
      .max(100)
      .default(1)
      .describe('repeated augmentation: each image so often in an epoch, which is as long as without'),
    'weights',
    'trial',
  ),
  overfitBatches: option(
    z.int().min(1).optional().describe('train on the first so many batches again and again, not augmented'),
    'weights',
    'trial',
  ),
  syncBn: option(
    z.boolean().optional().describe('batch statistics of all ranks (default: --global-batch, or batch < 16)'),
    'weights',
  ),
  compressGradients: option(
    z
      .enum(['none', 'float16', 'bfloat16'])
      .default('none')
      .describe('with several ranks: type of gradients on their way'),
    'weights',
  ),
  deterministic: option(z.boolean().default(true).describe('on a GPU: the same bits every time'), 'weights'),
  capture: option(z.boolean().default(true).describe('on a GPU: steps as CUDA graphs, replayed by one call')),
  tensorboard: option(z.boolean().default(false).describe('event files for TensorBoard in the run folder')),
  workers: option(loadingShape.workers, 'trial'),
  prefetch: option(loadingShape.prefetch, 'trial'),
  onBadImage: option(loadingShape.onBadImage, 'weights', 'trial'),
  badImageLimit: option(loadingShape.badImageLimit, 'trial'),
};

const names = Object.keys(options) as (keyof TrainSettings)[];

/** The schema of a training's options; the flags of the command line and their help are made of it. */
export const trainSchema: z.ZodType<TrainSettings, TrainSettingsInput> = z.object(
  Object.fromEntries(names.map((name) => [name, options[name].schema])) as {
    readonly [K in keyof TrainSettings]-?: z.ZodType<TrainSettings[K], TrainSettingsInput[K]>;
  },
);

/** Names of the options of which a trait is true. */
export function optionsWith(trait: Trait): readonly (keyof TrainSettings)[] {
  return names.filter((name) => options[name].traits.includes(trait));
}
