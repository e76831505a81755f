/** The operations of timm's policies, as `timm.data.auto_augment` lists them. */

/** [operation, probability, magnitude] */
export type PolicyStep = readonly [op: string, probability: number, magnitude: number];
type Chains = readonly (readonly PolicyStep[])[];

/** AutoAugment's ImageNet policy; `posterize`: which of timm's two readings of the paper. */
const original = (posterize: string): Chains => [
  [
    [posterize, 0.4, 8],
    ['Rotate', 0.6, 9],
  ],
  [
    ['Solarize', 0.6, 5],
    ['AutoContrast', 0.6, 5],
  ],
  [
    ['Equalize', 0.8, 8],
    ['Equalize', 0.6, 3],
  ],
  [
    [posterize, 0.6, 7],
    [posterize, 0.6, 6],
  ],
  [
    ['Equalize', 0.4, 7],
    ['Solarize', 0.2, 4],
  ],
  [
    ['Equalize', 0.4, 4],
    ['Rotate', 0.8, 8],
  ],
  [
    ['Solarize', 0.6, 3],
    ['Equalize', 0.6, 7],
  ],
  [
    [posterize, 0.8, 5],
    ['Equalize', 1, 2],
  ],
  [
    ['Rotate', 0.2, 3],
    ['Solarize', 0.6, 8],
  ],
  [
    ['Equalize', 0.6, 8],
    [posterize, 0.4, 6],
  ],
  [
    ['Rotate', 0.8, 8],
    ['Color', 0.4, 0],
  ],
  [
    ['Rotate', 0.4, 9],
    ['Equalize', 0.6, 2],
  ],
  [
    ['Equalize', 0, 7],
    ['Equalize', 0.8, 8],
  ],
  [
    ['Invert', 0.6, 4],
    ['Equalize', 1, 8],
  ],
  [
    ['Color', 0.6, 4],
    ['Contrast', 1, 8],
  ],
  [
    ['Rotate', 0.8, 8],
    ['Color', 1, 2],
  ],
  [
    ['Color', 0.8, 8],
    ['Solarize', 0.8, 7],
  ],
  [
    ['Sharpness', 0.4, 7],
    ['Invert', 0.6, 8],
  ],
  [
    ['ShearX', 0.6, 5],
    ['Equalize', 1, 9],
  ],
  [
    ['Color', 0.4, 0],
    ['Equalize', 0.6, 3],
  ],
  [
    ['Equalize', 0.4, 7],
    ['Solarize', 0.2, 4],
  ],
  [
    ['Solarize', 0.6, 5],
    ['AutoContrast', 0.6, 5],
  ],
  [
    ['Invert', 0.6, 4],
    ['Equalize', 1, 8],
  ],
  [
    ['Color', 0.6, 4],
    ['Contrast', 1, 8],
  ],
  [
    ['Equalize', 0.8, 8],
    ['Equalize', 0.6, 3],
  ],
];

/** That of EfficientNet's code for TPUs. */
const v0 = (posterize: string): Chains => [
  [
    ['Equalize', 0.8, 1],
    ['ShearY', 0.8, 4],
  ],
  [
    ['Color', 0.4, 9],
    ['Equalize', 0.6, 3],
  ],
  [
    ['Color', 0.4, 1],
    ['Rotate', 0.6, 8],
  ],
  [
    ['Solarize', 0.8, 3],
    ['Equalize', 0.4, 7],
  ],
  [
    ['Solarize', 0.4, 2],
    ['Solarize', 0.6, 2],
  ],
  [
    ['Color', 0.2, 0],
    ['Equalize', 0.8, 8],
  ],
  [
    ['Equalize', 0.4, 8],
    ['SolarizeAdd', 0.8, 3],
  ],
  [
    ['ShearX', 0.2, 9],
    ['Rotate', 0.6, 8],
  ],
  [
    ['Color', 0.6, 1],
    ['Equalize', 1, 2],
  ],
  [
    ['Invert', 0.4, 9],
    ['Rotate', 0.6, 0],
  ],
  [
    ['Equalize', 1, 9],
    ['ShearY', 0.6, 3],
  ],
  [
    ['Color', 0.4, 7],
    ['Equalize', 0.6, 0],
  ],
  [
    [posterize, 0.4, 6],
    ['AutoContrast', 0.4, 7],
  ],
  [
    ['Solarize', 0.6, 8],
    ['Color', 0.6, 9],
  ],
  [
    ['Solarize', 0.2, 4],
    ['Rotate', 0.8, 9],
  ],
  [
    ['Rotate', 1, 7],
    ['TranslateYRel', 0.8, 9],
  ],
  [
    ['ShearX', 0, 0],
    ['Solarize', 0.8, 4],
  ],
  [
    ['ShearY', 0.8, 0],
    ['Color', 0.6, 4],
  ],
  [
    ['Color', 1, 0],
    ['Rotate', 0.6, 2],
  ],
  [
    ['Equalize', 0.8, 4],
    ['Equalize', 0, 8],
  ],
  [
    ['Equalize', 1, 4],
    ['AutoContrast', 0.6, 2],
  ],
  [
    ['ShearY', 0.4, 7],
    ['SolarizeAdd', 0.6, 7],
  ],
  [
    [posterize, 0.8, 2],
    ['Solarize', 0.6, 10],
  ],
  [
    ['Solarize', 0.6, 8],
    ['Equalize', 0.6, 1],
  ],
  [
    ['Color', 0.8, 6],
    ['Rotate', 0.4, 5],
  ],
];

/** Policies of AutoAugment and of 3-Augment: lists of chains, of which one is drawn for an image. */
export const autoAugmentChains: Readonly<Record<string, Chains>> = {
  original: original('PosterizeOriginal'),
  originalr: original('PosterizeIncreasing'),
  v0: v0('Posterize'),
  v0r: v0('PosterizeIncreasing'),
  '3a': [[['Solarize', 1, 5]], [['Desaturate', 1, 10]], [['GaussianBlurRand', 1, 10]]],
};

const common = ['AutoContrast', 'Equalize', 'Invert', 'Rotate', 'SolarizeAdd'] as const;
const shifts = ['ShearX', 'ShearY', 'TranslateXRel', 'TranslateYRel'] as const;
const changing = ['Posterize', 'Solarize', 'Color', 'Contrast', 'Brightness', 'Sharpness'] as const;
const increasing = changing.map((op) => `${op}Increasing`);

/** Operations of RandAugment, as often as another each: those that change most at 0 or 10, or ever more. */
export const randOps: readonly string[] = [...common, ...changing, ...shifts];
/** The same with `inc1`. */
export const randOpsIncreasing: readonly string[] = [...common, ...increasing, ...shifts];
/** Sets of operations by the word behind `t`, with their weights where these differ. */
export const randSets: Readonly<Record<string, Readonly<Record<string, number>> | readonly string[]>> = {
  '3a': ['SolarizeIncreasing', 'Desaturate', 'GaussianBlur'],
  '3aw': {
    ...{ SolarizeIncreasing: 6, Desaturate: 6, GaussianBlur: 6, Rotate: 3, ShearX: 2, ShearY: 2 },
    ...{ PosterizeIncreasing: 1, AutoContrast: 1, ColorIncreasing: 1, SharpnessIncreasing: 1 },
    ...{ ContrastIncreasing: 1, BrightnessIncreasing: 1, Equalize: 1, Invert: 1 },
  },
  weights: {
    ...{ Rotate: 3, ShearX: 2, ShearY: 2, TranslateXRel: 1, TranslateYRel: 1 },
    ...{ ColorIncreasing: 0.25, SharpnessIncreasing: 0.25, AutoContrast: 0.25 },
    ...{ SolarizeIncreasing: 0.05, SolarizeAdd: 0.05, ContrastIncreasing: 0.05 },
    ...{ BrightnessIncreasing: 0.05, Equalize: 0.05, PosterizeIncreasing: 0.05, Invert: 0.05 },
  },
};

/** Operations of AugMix; timm's four of colour are not in the paper. */
export const augMixOps: readonly string[] = [
  ...['AutoContrast', 'ColorIncreasing', 'ContrastIncreasing', 'BrightnessIncreasing', 'SharpnessIncreasing'],
  ...['Equalize', 'Rotate', 'PosterizeIncreasing', 'SolarizeIncreasing', ...shifts],
];
