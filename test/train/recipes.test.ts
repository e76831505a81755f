import { describe, expect, it } from 'vitest';
import { datasetOf } from '../../src/loading/images.ts';
import { network } from '../../src/models/network.ts';
import { type PresetName, preset, presetConfig, presetNames } from '../../src/models/presets.ts';
import { trainSchema } from '../../src/train/options.ts';
import { ratesAt } from '../../src/train/rates.ts';
import { type RecipeName, recipeNames, recipes } from '../../src/train/recipes.ts';
import { train } from '../../src/train/train.ts';
import { outputSize } from '../../src/transforms/transforms.ts';
import { noise, tinyConfig, tinyModel } from '../support/training.ts';

describe.each(recipeNames)('the recipe %s', (name) => {
  const { model, settings, transforms, source } = recipes[name];

  it('has settings that are valid, a model that there is, and a source', () => {
    expect(trainSchema.parse(settings)).toMatchObject(settings);
    expect(presetNames).toContain(model);
    expect(source).not.toBe('');
  });

  it('makes images of the size that the network takes', () => {
    const { train: training, test } = transforms?.([32, 48]) ?? {};
    for (const transform of [training, test])
      if (transform !== undefined) expect(outputSize(transform, [40, 60])).toEqual([32, 48]);
  });

  it('trains a step', async () => {
    const input = presetConfig('lm_resnet20', { input: [3, 8, 8] }).input;
    const gray = noise(2 * (settings.accumulate ?? 1) * 2);
    const images = new Uint8Array(gray.images.length * 3).map((_, i) => gray.images[Math.floor(i / 3)] ?? 0);
    const data = datasetOf({ ...gray, images, channels: 3 });
    const { train: training } = transforms?.([8, 8]) ?? {};
    const net = await tinyModel({}, network({ ...tinyConfig, name: 'rgb', input }));
    const set = training === undefined ? data : data.with(training);
    const sizes = settings.sizes?.map((size) => size / 16);
    const result = await train(net, { train: set }, { ...settings, sizes, batch: 2, steps: 1, lr: 1e-3 });
    expect(result.steps).toBe(1);
    expect(result.loss).toBeLessThan(10);
  });
});

describe('the recipes of "ResNet strikes back"', () => {
  it.each<[RecipeName, number, string]>([
    ['imagenet-a2', 0.05, 'rand-m7-mstd0.5-inc1'],
    ['imagenet-a3', 0, 'rand-m6-mstd0.5-inc1'],
  ])(
    '%s tests on bicubic crops of 0.95, clips as LAMB, and has the rest of its table',
    (name, dropPath, policy) => {
      const { transforms, settings, modelOptions = {}, model } = recipes[name];
      expect(transforms?.(224).train).toContainEqual({
        kind: 'autoAugment',
        policy,
        interpolation: 'random',
      });
      expect(transforms?.(224).test).toEqual([
        expect.objectContaining({ kind: 'resize', size: 235, interpolation: 'bicubic' }), // floor(224 / 0.95)
        { kind: 'centerCrop', size: 224 },
      ]);
      expect(settings).toMatchObject({ optimizer: 'lamb', clipGrad: 1 });
      expect(modelOptions.dropPath ?? 0).toBe(dropPath);
      const { nodes } = preset(model as PresetName, modelOptions);
      expect(nodes.some(({ op }) => op === 'mix')).toBe(dropPath > 0);
    },
  );
});

describe('the rates of the paper', () => {
  it.each<[RecipeName, readonly number[]]>([
    ['lm-cifar10', [0.1, 0.1, 0.01, 0.001]],
    ['lm-cifar10-sd', [0.1, 0.1, 0.01, 0.001]],
    ['lm-cifar100', [0.1, 0.1, 0.01, 0.001]],
    ['lm-imagenet', [0.1, 0.01, 0.01, 0.001]],
  ])('fall by tens in its epochs: %s', (name, wanted) => {
    const { schedule, epochs, lr, momentum } = trainSchema.parse(recipes[name].settings);
    const run = { stepsPerEpoch: 10, totalSteps: 10 * epochs, lr, momentum };
    const rates = [0, 0.49, 0.51, 0.99].map((part) => ratesAt(schedule, part * run.totalSteps, run).lr);
    wanted.forEach((rate, i) => {
      expect(rates[i]).toBeCloseTo(rate, 12);
    });
  });
});
