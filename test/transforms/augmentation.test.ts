/** Single choices of augmentation, under timm's names. */
import { describe, expect, it } from 'vitest';
import { type Augmentation, augmentedWith, type Transforms } from '../../src/transforms/augmentation.ts';
import { usualEval } from '../../src/transforms/preprocessing.ts';
import { imagenetEval, imagenetTrain, parseTransform } from '../../src/transforms/transforms.ts';
import { thrown } from '../support/errors.ts';

const files = { size: 224, files: true };
const pixels = { size: 32, files: false };
const erasing = { kind: 'randomErasing', scale: [0.02, 1 / 3], ratio: [0.3, 1 / 0.3] } as const;
const jitter = (brightness: number, contrast: number, saturation: number, hue = 0) =>
  ({ kind: 'colorJitter', brightness, contrast, saturation, hue }) as const;
const [crop, flip] = parseTransform([{ kind: 'randomResizedCrop', size: 224 }, { kind: 'horizontalFlip' }]);

describe('a choice of augmentation', () => {
  it.each<{ chosen: Augmentation; wanted: { train: object; test: object } }>([
    {
      chosen: { reprob: 0.25 },
      wanted: {
        train: [crop, flip, { ...erasing, p: 0.25, value: 'random', count: 1 }],
        test: imagenetEval(224),
      },
    },
    {
      chosen: { reprob: 0.5, remode: 'const', recount: 3 },
      wanted: {
        train: [crop, flip, { ...erasing, p: 0.5, value: 'mean', count: 3 }],
        test: imagenetEval(224),
      },
    },
    {
      chosen: { reprob: 1, remode: 'rand', colorJitter: 0.4 },
      wanted: {
        train: [crop, flip, jitter(0.4, 0.4, 0.4), { ...erasing, p: 1, value: 'color', count: 1 }],
        test: imagenetEval(224),
      },
    },
    {
      chosen: { colorJitter: [0.1, 0.2, 0.3, 0.4] },
      wanted: { train: [crop, flip, jitter(0.1, 0.2, 0.3, 0.4)], test: imagenetEval(224) },
    },
    {
      chosen: { cropPct: 0.95 }, // floor(224 / 0.95) = 235
      wanted: { train: imagenetTrain(224), test: imagenetEval(224, 235) },
    },
    {
      chosen: { aa: 'rand-m9-mstd0.5-inc1', interpolation: 'bicubic', reprob: 0.25 },
      wanted: {
        train: [
          { ...crop, interpolation: 'bicubic' },
          flip,
          { kind: 'autoAugment', policy: 'rand-m9-mstd0.5-inc1', interpolation: 'bicubic' },
          { ...erasing, p: 0.25, value: 'random', count: 1 },
        ],
        test: parseTransform([
          { kind: 'resize', size: 256, interpolation: 'bicubic' },
          { kind: 'centerCrop', size: 224 },
        ]),
      },
    },
    {
      chosen: { aa: '3a', colorJitter: 0.3 },
      wanted: {
        train: [
          crop,
          flip,
          { kind: 'autoAugment', policy: '3a', interpolation: 'bilinear' },
          jitter(0.3, 0.3, 0.3),
        ],
        test: imagenetEval(224),
      },
    },
    {
      chosen: { interpolation: 'bicubic', cropPct: 1 },
      wanted: {
        train: [{ ...crop, interpolation: 'bicubic' }, flip],
        test: parseTransform([
          { kind: 'resize', size: 224, interpolation: 'bicubic' },
          { kind: 'centerCrop', size: 224 },
        ]),
      },
    },
  ])('changes what files get: $chosen', ({ chosen, wanted }) => {
    expect(augmentedWith({}, chosen, files)).toEqual(wanted);
  });

  it('changes a recipe, in place of what it has, and pixels that stay as they are', () => {
    const before: Transforms = {
      train: parseTransform([
        { kind: 'colorJitter', hue: 0.1 },
        { kind: 'cutout', size: 8 },
      ]),
    };
    const { train, test } = augmentedWith(before, { colorJitter: [0.4] }, pixels);
    expect(train).toEqual([jitter(0.4, 0.4, 0.4), { kind: 'cutout', size: 8 }]);
    expect(test).toEqual([]);
    expect(augmentedWith({}, { cropPct: 0.9 }, { ...pixels, files: true }).train).toEqual(imagenetTrain(32));
    expect(augmentedWith({}, { reprob: 0.1 }, { ...pixels, files: true }).test).toEqual(usualEval(32));
  });

  it("stands in the place of a recipe's policy, whose jitter of colours it ends as in timm", () => {
    const before: Transforms = {
      train: parseTransform([
        { kind: 'randomCrop', size: 32 },
        { kind: 'trivialAugment' },
        { kind: 'colorJitter', hue: 0.1 },
        { kind: 'cutout', size: 8 },
      ]),
    };
    const policy = { kind: 'autoAugment', policy: 'augmix-m5', interpolation: 'random' };
    const { train } = augmentedWith(before, { aa: 'augmix-m5' }, pixels);
    expect(train).toEqual([before.train?.[0], policy, before.train?.[3]]);
  });

  it('is none where nothing is chosen', () => {
    const before = { train: imagenetTrain(160) };
    expect(augmentedWith(before, { reprob: undefined }, files)).toBe(before);
  });

  it.each<Augmentation>([
    { remode: 'rand' },
    { recount: 2 },
    { colorJitter: [0.1, 0.1, 0.1, 0.6] },
    { aa: 'rand-m9', interpolation: 'lanczos' }, // Pillow turns no image by it
    { aa: 'rand-m9', colorJitter: 0.4 }, // which timm leaves out
  ])('is refused: %o', (chosen) => {
    expect(thrown(() => augmentedWith({}, chosen, files)).code).toBe('ERR_CONFIG');
  });
});
