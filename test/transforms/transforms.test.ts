import { describe, expect, it } from 'vitest';
import { transformTo, wholeImage } from '../../src/transforms/preprocessing.ts';
import {
  cifarTrain,
  imagenetEval,
  imagenetTrain,
  outputSize,
  parseTransform,
  type TransformInput,
  type TransformOpInput,
} from '../../src/transforms/transforms.ts';
import { thrown } from '../support/errors.ts';

type Extent = readonly [number, number];

const parsed = (...ops: TransformOpInput[]): unknown => parseTransform(ops);

describe('parseTransform', () => {
  it('fills in the defaults of torchvision', () => {
    expect(
      parsed(
        { kind: 'randomResizedCrop', size: 224 },
        { kind: 'resize', size: [3, 4] },
        { kind: 'randomCrop', size: 32 },
        { kind: 'colorJitter', hue: 0.1 },
        { kind: 'randAugment' },
        { kind: 'trivialAugment' },
        { kind: 'randomErasing' },
      ),
    ).toEqual([
      {
        kind: 'randomResizedCrop',
        size: 224,
        scale: [0.08, 1],
        ratio: [3 / 4, 4 / 3],
        interpolation: 'bilinear',
        scaledDecode: true,
      },
      { kind: 'resize', size: [3, 4], interpolation: 'bilinear', scaledDecode: false },
      { kind: 'randomCrop', size: 32, padding: 0, mode: 'constant' },
      { kind: 'colorJitter', brightness: 0, contrast: 0, saturation: 0, hue: 0.1 },
      { kind: 'randAugment', numOps: 2, magnitude: 9, bins: 31 },
      { kind: 'trivialAugment', bins: 31 },
      { kind: 'randomErasing', p: 0.5, scale: [0.02, 0.33], ratio: [0.3, 3.3], value: 'mean', count: 1 },
    ]);
  });

  it('leaves a parsed transform as it is', () => {
    const once = parseTransform([{ kind: 'lighting' }, { kind: 'grayscale' }, { kind: 'horizontalFlip' }]);
    expect(parseTransform(once)).toEqual(once);
  });

  it.each<[string, unknown, string]>([
    ['an unknown kind', [{ kind: 'resiz', size: 3 }], '"resize"'],
    ['an unknown parameter', [{ kind: 'invert', p: 1 }], 'transform[0].p'],
    ['a missing size', [{ kind: 'centerCrop' }], 'transform[0].size'],
    ['a size of 0', [{ kind: 'centerCrop', size: 0 }], 'transform[0].size'],
    ['a size of three numbers', [{ kind: 'resize', size: [1, 2, 3] }], 'transform[0].size'],
    ['a range that falls', [{ kind: 'colorJitter', hue: [0.2, 0.1] }], 'transform[0].hue'],
    ['a hue of more than half a turn', [{ kind: 'hue', factor: 0.6 }], 'transform[0].factor'],
    ['more than all of the area', [{ kind: 'randomResizedCrop', size: 8, scale: [0.1, 2] }], 'scale[1]'],
    ['a magnitude beyond the bins', [{ kind: 'randAugment', bins: 5 }], 'transform[0].magnitude'],
    ['nine bits', [{ kind: 'invert' }, { kind: 'posterize', bits: 9 }], 'transform[1].bits'],
    ['no list', { kind: 'invert' }, 'transform'],
  ])('refuses %s by name', (_, value, text) => {
    const { code, text: message } = thrown(() => parseTransform(value as TransformInput));
    expect(code).toBe('ERR_CONFIG');
    expect(message).toContain(text);
  });
});

describe('outputSize', () => {
  it.each<[string, TransformInput, Extent | null, Extent | null]>([
    ['nothing', [], [5, 7], [5, 7]],
    ['nothing, sizes varying', [], null, null],
    ['operations that keep the size', [{ kind: 'invert' }, { kind: 'rotate', degrees: 3 }], [5, 7], [5, 7]],
    ['a shorter side, landscape', [{ kind: 'resize', size: 256 }], [375, 500], [256, 341]],
    ['a shorter side, portrait', [{ kind: 'resize', size: 256 }], [500, 375], [341, 256]],
    ['a shorter side, sizes varying', [{ kind: 'resize', size: 256 }], null, null],
    ['both sides', [{ kind: 'resize', size: [3, 9] }], null, [3, 9]],
    ['a crop', [{ kind: 'crop', top: 1, left: 2, height: 3, width: 4 }], null, [3, 4]],
    ['a random crop', [{ kind: 'randomCrop', size: 40, padding: 4 }], [32, 32], [40, 40]],
    ['the last that sets it', [...imagenetTrain(64), { kind: 'centerCrop', size: 48 }], null, [48, 48]],
  ])('is known for %s', (_, transform, input, size) => {
    expect(outputSize(parseTransform(transform), input)).toEqual(size);
  });

  it('refuses a random crop that is larger than the image', () => {
    expect(thrown(() => outputSize(cifarTrain(41), [32, 32])).code).toBe('ERR_CONFIG');
  });
});

describe('ready-made transforms', () => {
  it.each<[string, unknown, Extent]>([
    ['imagenetTrain', imagenetTrain(), [224, 224]],
    ['imagenetEval', imagenetEval(), [224, 224]],
    ['imagenetEval of a rectangle', imagenetEval([160, 192]), [160, 192]],
    ['cifarTrain', cifarTrain(), [32, 32]],
  ])('give one size: %s', (_, transform, size) => {
    expect(outputSize(transform as ReturnType<typeof cifarTrain>, null)).toEqual(size);
  });

  it('resize to 8/7 of the crop, or as told', () => {
    expect(imagenetEval(224)[0]).toMatchObject({ kind: 'resize', size: 256 });
    expect(imagenetEval([160, 192])[0]).toMatchObject({ size: 219 });
    expect(imagenetEval(224, 232)[0]).toMatchObject({ size: 232 });
  });
});

describe('a transform at another size', () => {
  it.each<[string, TransformInput, Extent, Extent, TransformInput]>([
    ['the same', imagenetEval(224, 232), [224, 224], [224, 224], imagenetEval(224, 232)],
    ['in proportion', imagenetEval(224), [224, 224], [112, 112], imagenetEval(112, 128)],
    ['as near to the edge', imagenetEval(224, 236), [224, 224], [288, 288], imagenetEval(288, 303)],
    ['a rectangle', imagenetEval(224), [224, 224], [160, 192], imagenetEval([160, 192])],
    ['all of the image', wholeImage(28), [28, 28], [64, 64], wholeImage(64)],
    ['all of the image in a rectangle', wholeImage(28), [28, 28], [12, 16], wholeImage([12, 16])],
    ['a rectangle of all of it', wholeImage([12, 16]), [12, 16], [24, 32], wholeImage([24, 32])],
    ['stretched', [{ kind: 'resize', size: [8, 8] }], [8, 8], [16, 12], [{ kind: 'resize', size: [16, 12] }]],
    [
      'its filter',
      [
        { kind: 'resize', size: 64, interpolation: 'bicubic' },
        { kind: 'centerCrop', size: 56 },
      ],
      [56, 56],
      [112, 112],
      [
        { kind: 'resize', size: 128, interpolation: 'bicubic' },
        { kind: 'centerCrop', size: 112 },
      ],
    ],
    ['the usual one in place of another operation', cifarTrain(32), [32, 32], [224, 224], imagenetEval(224)],
    ['the usual one in place of one that gives no such size', [], [28, 28], [32, 32], wholeImage(32)],
  ])('keeps %s', (_, transform, from, to, wanted) => {
    expect(transformTo(parseTransform(transform), from, to)).toEqual(parseTransform(wanted));
  });
});
