import { type KnownName, oneOf, type Suggesting } from '../check.ts';
import type { Variants } from '../models/variants.ts';
import { cifarTrain, parseTransform, type Size, type Transform } from '../transforms/transforms.ts';
import type { TrainSettingsInput } from './settings.ts';

/** What happens to the images of the two parts. */
export interface RecipeTransforms {
  readonly train?: Transform | undefined;
  readonly test?: Transform | undefined;
}

/** How a model is trained: settings, and what happens to the images. */
export interface Recipe {
  /** The preset that it is for; others work as well. */
  readonly model: string;
  readonly settings: TrainSettingsInput;
  /** Options of the model, for `createModel`; default: none. */
  readonly modelOptions?: Variants | undefined;
  /** Side of the images of the network that `sizes` of its settings are for; for others they do not hold. */
  readonly size?: number | undefined;
  /** Transforms for a network that takes images of this size; default: those that are usual for the data. */
  readonly transforms?: ((size: Size) => RecipeTransforms) | undefined;
  /** Where it comes from, how it deviates, and what it reached here. */
  readonly source: string;
}

/** Name of a recipe. */
export type RecipeName =
  | 'mnist-onecycle'
  | 'lm-cifar10'
  | 'lm-cifar10-sd'
  | 'lm-cifar100'
  | 'lm-resnext-cifar100'
  | 'lm-imagenet'
  | 'imagenet-a2'
  | 'imagenet-a3'
  | 'imagenet-a3-progressive';

/**
 * SGD as in the paper and its code: no Nesterov, weight decay on norms too. k has none, see `linearTwoStep`.
 */
const paper: TrainSettingsInput = {
  batch: 128,
  lr: 0.1,
  momentum: 0.9,
  nesterov: false,
  weightDecay: 1e-4,
  decayNorm: true,
};
const cifar = (size: Size): RecipeTransforms => ({ train: cifarTrain(size) });

/**
 * What A2 and A3 share: steps of 8 batches of 256 images, each with batch statistics of its own as on a GPU
 * of theirs.
 */
const strikesBack: TrainSettingsInput = {
  batch: 256,
  accumulate: 8,
  amp: 'auto',
  optimizer: 'lamb',
  weightDecay: 0.02,
  mixup: 0.1,
  cutmix: 1,
  clipGrad: 1, // as timm's LAMB does by itself
  loss: 'bce',
  bceTargetThreshold: 0.2,
  schedule: { kind: 'cosine', warmupEpochs: 5, warmupLr: 1e-4 },
};
const strikesBackImages =
  (magnitude: number) =>
  (size: Size): RecipeTransforms => ({
    train: parseTransform([
      { kind: 'randomResizedCrop', size, interpolation: 'bicubic' },
      { kind: 'horizontalFlip' },
      { kind: 'autoAugment', policy: `rand-m${magnitude}-mstd0.5-inc1` },
    ]),
    test: parseTransform([
      { kind: 'resize', size: Math.floor(Math.max(...[size].flat()) / 0.95), interpolation: 'bicubic' },
      { kind: 'centerCrop', size },
    ]),
  });
const strikesBackSource =
  'Wightman, Touvron, Jégou 2021, table 2, and commands for timm: bicubic test crops of 0.95, clipping to a norm of 1 as timm’s LAMB; timm’s RandAugment; training crops are bicubic, where timm draws bilinear or bicubic';

/** Known recipes, one row each. */
export const recipes: Readonly<Record<RecipeName, Recipe>> = {
  'mnist-onecycle': {
    model: 'lm_resnet20',
    settings: {
      epochs: 1,
      batch: 128,
      lr: 0.2,
      momentum: 0.9,
      weightDecay: 1e-4,
      schedule: { kind: 'oneCycle' },
    },
    source: 'One epoch of one-cycle SGD (Smith, Topin 2017); lm_resnet20 passes 99 % top-1 on MNIST',
  },
  'lm-cifar10': {
    model: 'lm_resnet56',
    settings: { ...paper, epochs: 160, schedule: { kind: 'multistep', milestones: [80, 120] } },
    transforms: cifar,
    source: 'Lu et al. 2018, section 4, as quoted by jamadri/Dynamical-Stochastic-ResNet. Not run',
  },
  'lm-cifar10-sd': {
    model: 'lm_resnet56_sd',
    settings: { ...paper, epochs: 500, schedule: { kind: 'multistep', milestones: [250, 375] } },
    transforms: cifar,
    source:
      'Lu et al. 2018, stochastic depth, quoted there; p_L is the model’s: lm_resnet110_sd has 0.5. Not run',
  },
  'lm-cifar100': {
    model: 'lm_resnet110',
    settings: { ...paper, epochs: 300, schedule: { kind: 'multistep', milestones: [150, 225] } },
    transforms: cifar,
    source: 'Lu et al. 2018, section 4, quoted there. Not run',
  },
  'lm-resnext-cifar100': {
    model: 'lm_resnext29_8x64d',
    settings: {
      ...paper,
      weightDecay: 5e-4,
      epochs: 300,
      schedule: { kind: 'multistep', milestones: [150, 225] },
    },
    transforms: cifar,
    source: 'Lu et al. 2018, after Xie et al. 2017; from memory of the paper, not checked with it. Not run',
  },
  'lm-imagenet': {
    model: 'lm_resnet50',
    settings: { ...paper, batch: 256, amp: 'auto', epochs: 90, schedule: { kind: 'step', decayEpochs: 30 } },
    source:
      'Lu et al. 2018 with the usual 90 epochs, for theirs are not known; crops by area and ratio, without the random shorter side. Not run',
  },
  'imagenet-a2': {
    model: 'lm_resnet50',
    settings: { ...strikesBack, epochs: 300, lr: 5e-3, augRepeats: 3 },
    modelOptions: { dropPath: 0.05 },
    transforms: strikesBackImages(7),
    source: `${strikesBackSource}; the three copies of an image are in one batch of 256, where timm deals them out to GPUs. Not run`,
  },
  'imagenet-a3': {
    model: 'lm_resnet50',
    settings: { ...strikesBack, epochs: 100, lr: 8e-3, sizes: [160] },
    size: 224,
    transforms: strikesBackImages(6),
    source: `${strikesBackSource}; trains at 160, tests at 224; their A3 has neither repeated augmentation nor stochastic depth. Not run`,
  },
  'imagenet-a3-progressive': {
    model: 'lm_resnet50',
    settings: { ...strikesBack, epochs: 100, lr: 8e-3, sizes: [128, 160, 192] },
    size: 224,
    transforms: strikesBackImages(6),
    source: `imagenet-a3 with images that grow, as Tan, Le 2021 (EfficientNetV2) have it; our own mixture. Not run`,
  },
};

/** Names of the known recipes. */
export const recipeNames: readonly RecipeName[] = Object.keys(recipes) as RecipeName[];

/** Of sizes that are a recipe's: the side of the images of the networks that they are for. */
const networkSide = new WeakMap(
  Object.values(recipes).flatMap(({ settings: { sizes }, size }) =>
    sizes === undefined || size === undefined ? [] : [[sizes, size] as const],
  ),
);

/**
 * Settings for a network: sizes that a recipe has are left out where its images have another side than those
 * of the recipe. Those that somebody else gave stay.
 */
export function settingsForInput(
  given: TrainSettingsInput,
  { height }: { readonly height: number },
): TrainSettingsInput {
  const side = given.sizes && networkSide.get(given.sizes);
  return side === undefined || side === height ? given : { ...given, sizes: undefined };
}

/**
 * The settings of a recipe, to be changed in part; `recipes` has the model and the transforms too.
 * The sizes of `imagenet-a3` are for networks of 224 x 224 images; in trainings of others they do not hold.
 *
 * @throws ERR_UNKNOWN_NAME with the nearest name.
 * @example
 * train(model, data, { ...recipe('mnist-onecycle'), epochs: 3 });
 */
export function recipe<const N extends Suggesting<RecipeName>>(
  name: KnownName<N, RecipeName>,
): TrainSettingsInput {
  return findRecipe(name).settings;
}

/** A recipe by its name. @internal */
export function findRecipe(name: string): Recipe {
  return recipes[oneOf(name, recipeNames, 'recipe')];
}
