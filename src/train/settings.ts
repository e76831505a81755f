/** The settings of a training. */
import type { LoadingOptions } from '../loading/loaderSpec.ts';
import type { AmpChoice } from '../model/amp.ts';
import type { MemoryStrategy, MemoryStrategyInput } from '../model/options.ts';
import type { Schedule, ScheduleInput } from './schedules.ts';

/** Options of a training, defaults filled in. */
export interface TrainSettings extends LoadingOptions {
  /** Passes over the training images, default 1. */
  readonly epochs: number;
  /** Images in a batch, of one rank where there are several; default 128. */
  readonly batch: number;
  /**
   * Images in a step, instead of `batch`: each rank takes its share, so that a run may go on with another
   * number of ranks and comes to the same. Default: `batch` holds.
   */
  readonly globalBatch?: number | undefined;
  /** Batches of one step: their gradients are averaged, batch norm takes each by itself; default 1. */
  readonly accumulate: number;
  /** Peak learning rate per step, default 0.1. */
  readonly lr: number;
  /**
   * Peak learning rate for `lrBaseSize` images in a step; `lr` then follows from the images there are (timm's
   * `--lr-base`). Default: `lr` is the rate.
   */
  readonly lrBase?: number | undefined;
  /** Default 256. */
  readonly lrBaseSize: number;
  /**
   * How `lrBase` grows with the images in a step; default `sqrt` for AdamW and LAMB, `linear` for the others.
   */
  readonly lrBaseScale?: 'linear' | 'sqrt' | undefined;
  /** How the rate follows from the step, default one-cycle. */
  readonly schedule: Schedule;
  /** What is done with the gradient: `sgd` (default), `adamw`, `lars` or `lamb`. */
  readonly optimizer: 'sgd' | 'adamw' | 'lars' | 'lamb';
  /** Momentum of SGD and LARS in [0, 1), default 0.9. */
  readonly momentum: number;
  /** Nesterov's momentum in SGD and LARS, default true. */
  readonly nesterov: boolean;
  /**
   * Part in [0, 1) of a gradient that SGD and LARS keep out of the momentum, default 0; the first step takes
   * all of it.
   */
  readonly dampening: number;
  /**
   * Decay of the two moments of AdamW and LAMB, default 0.9 and 0.999. A one-cycle with a range of momentum
   * moves the first.
   */
  readonly betas: readonly [number, number];
  /** Keeps divisions finite; default 1e-8, in LAMB 1e-6. */
  readonly eps?: number | undefined;
  /** LARS: share of a tensor's norm that a step at rate 1 moves it, default 0.001. */
  readonly trustCoefficient: number;
  /**
   * Weight decay, default 1e-4: an L2 penalty on the weights of convolutions and linear layers; in AdamW a
   * pull of its own.
   */
  readonly weightDecay: number;
  /** Weight decay on norm weights and on biases too, default false. */
  readonly decayNorm: boolean;
  /**
   * Factor in (0, 1] on the rate from each layer to the one below it, default 1. The head has the whole rate;
   * layers are what lies at one depth: a step; the first with the stem, the last with the head.
   */
  readonly layerDecay: number;
  /**
   * Paths whose parameters stay as they are, such as `['stem', 'stage1']`, with all below them; default none.
   * Running statistics still follow the images.
   */
  readonly freeze: readonly string[];
  /**
   * Parameters at a depth below this one stay as they are too: 0 is the stem, 1 the head; default 0, none.
   */
  readonly freezeDepth: number;
  /** Bound on the gradient of a step, as `clipMode` says; default none. */
  readonly clipGrad?: number | undefined;
  /**
   * What `clipGrad` bounds: the `norm` of the whole gradient (default), every `value`, or, with `agc`, the
   * norm of every unit's gradient as a part of the norm of its weights (Brock et al. 2021; the last layer
   * stays free).
   */
  readonly clipMode: 'norm' | 'value' | 'agc';
  /**
   * Whether an average of weights and statistics is kept beside them
   * (`model.evaluate(set, { weights: 'ema' })`), default false.
   */
  readonly modelEma: boolean;
  /** What the average keeps of itself at every step, in [0, 1), default 0.9998. */
  readonly modelEmaDecay: number;
  /**
   * Whether step n, from 0, keeps no more than 1 - (n + 1)^(-2/3), so that the start is forgotten; default
   * false.
   */
  readonly modelEmaWarmup: boolean;
  /**
   * Progressive resizing: sides of the square training images, each for an equal share of the epochs, such as
   * [128, 160, 192]. A random resized crop takes the size itself, anything else is resized at the end.
   * Evaluation keeps its own size. Default: as the data is.
   */
  readonly sizes?: readonly number[] | undefined;
  /** What is minimised: cross entropy (default), or the mean of the binary cross entropies of all classes. */
  readonly loss: 'crossEntropy' | 'bce';
  /** Part in [0, 1) of every target that is spread over all classes, default 0. */
  readonly smoothing: number;
  /** With `bce`: targets above it become 1, the others 0; default: they stay probabilities. */
  readonly bceTargetThreshold?: number | undefined;
  /** Mixup: α of the law Beta(α, α) of the share that an image keeps of itself, default 0, off. */
  readonly mixup: number;
  /** CutMix: α of the law of the area that an image keeps, default 0, off. */
  readonly cutmix: number;
  /** Probability that a batch is mixed, where `mixup` or `cutmix` is on, default 1. */
  readonly mixupProb: number;
  /** Probability of CutMix where both are on, default 0.5. */
  readonly mixupSwitchProb: number;
  /** No mixing from this epoch on; default 0, which is never. */
  readonly mixupOffEpoch: number;
  /** Seed of the order of the images, default 0. */
  readonly seed: number;
  /**
   * Mixed precision: type of convolutions and linear layers, in the evaluations too; default `none`. `auto`
   * is bfloat16 where the device multiplies it natively (AMX, CUDA from 8.0), else none. Weights, states,
   * statistics, loss and optimiser stay in float32. With `float16` the loss is scaled; a step whose gradient
   * overflows is skipped.
   */
  readonly amp: AmpChoice;
  /**
   * What a step keeps for its backward pass, default all: `store`, `recompute` (every so many steps) or
   * `reverse`.
   */
  readonly memory: MemoryStrategy;
  /** End after so many steps, the schedule being laid over them; default: the whole epochs. */
  readonly steps?: number | undefined;
  /**
   * Steps from one checkpoint of the run folder to the next, default an epoch; one more is written before
   * every evaluation, and again with what it found.
   */
  readonly checkpointEvery?: number | undefined;
  /**
   * So many of the last checkpoints stay in the run folder, default 2: where the last is damaged, the one
   * before serves.
   */
  readonly keepLast: number;
  /**
   * So many of the checkpoints with the best test top-1 stay too, the best as best.safetensors; those
   * whose evaluation has a NaN count last. Default 1.
   */
  readonly keepBest: number;
  /**
   * Epochs from one evaluation of the held-out images to the next, default 1; the last step is always
   * followed by one.
   */
  readonly evalEvery: number;
  /** Evaluate only the first so many batches of 256, default all. */
  readonly evalBatches?: number | undefined;
  /** End when the best test top-1 lies so many epochs back, default never. */
  readonly earlyStopPatience?: number | undefined;
  /**
   * Repeated augmentation (Hoffer et al. 2020; timm's RepeatAugSampler): each image so often in an epoch, by
   * a transform drawn anew, one after the other. An epoch is as long as without, so it has one in so many of
   * the images; another one has others. Default 1.
   */
  readonly augRepeats: number;
  /**
   * Train on the first so many batches again and again, without the usual augmentation of files: the loss
   * must fall, or something is wrong. An epoch is then so many batches. Default: all images.
   */
  readonly overfitBatches?: number | undefined;
  /**
   * With several ranks: whether batch statistics are those of all their images, which gives what one process
   * with as many images would; else each rank has its own, and running ones are their mean. Default: with
   * `globalBatch`, and where a batch has fewer than 16 images.
   */
  readonly syncBn?: boolean | undefined;
  /** With several ranks: type of gradients on their way, default `none`, their own. */
  readonly compressGradients: 'none' | 'float16' | 'bfloat16';
  /**
   * On a GPU: cuDNN takes algorithms that give the same bits every time. With false it times several for
   * every new shape and takes the fastest: steps may be faster, and neither two runs nor a resumed one are
   * the same to the bit. Default true.
   */
  readonly deterministic: boolean;
  /**
   * On a device: the work of a step is recorded the second time that its like comes, and replayed from then
   * on by one call (CUDA graphs). A recorded step computes the branches that stochastic depth drops, times 0.
   * Where nothing can be recorded a note says why, and steps are given piece by piece. Default true.
   */
  readonly capture: boolean;
  /** Event files for TensorBoard in the run folder, which is then required; default false. */
  readonly tensorboard: boolean;
}

/** Options of a training as they may be written: all have defaults. */
export type TrainSettingsInput = {
  readonly [K in keyof Omit<TrainSettings, 'schedule' | 'memory'>]?: TrainSettings[K] | undefined;
} & { readonly schedule?: ScheduleInput | undefined; readonly memory?: MemoryStrategyInput | undefined };
