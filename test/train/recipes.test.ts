import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { datasetOf } from '../../src/loading/images.ts';
import { network } from '../../src/models/network.ts';
import { type PresetName, preset, presetConfig, presetNames } from '../../src/models/presets.ts';
import { trainSchema } from '../../src/train/options.ts';
import { ratesAt } from '../../src/train/rates.ts';
import { type RecipeName, recipe, recipeNames, recipes } from '../../src/train/recipes.ts';
import type { TrainSettingsInput } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import { outputSize } from '../../src/transforms/transforms.ts';
import { temporaryFolder } from '../support/folder.ts';
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

describe('the sizes of a recipe in a training', () => {
  const settings = recipe('imagenet-a3');

  it.each<{ title: string; side: number; given: TrainSettingsInput; sizes: readonly number[] }>([
    { title: 'hold for a network of its size', side: 224, given: settings, sizes: [160] },
    { title: 'give way to a network of another', side: 16, given: settings, sizes: [16] },
    {
      title: 'give way to sizes that are given',
      side: 16,
      given: { ...settings, sizes: [8, 12] },
      sizes: [8, 12],
    },
    { title: 'are left alone where they are given by hand', side: 16, given: { sizes: [160] }, sizes: [160] },
  ])('$title', async ({ side, given, sizes }) => {
    const config = { ...tinyConfig, input: presetConfig('lm_resnet20', { input: [1, side, side] }).input };
    const model = await tinyModel({}, network(config));
    const run = join(await temporaryFolder(), 'run');
    const small = { batch: 1, accumulate: 1, steps: 1, lr: 1e-3, run };
    await train(model, { train: noise(4) }, { ...given, ...small });
    const used = JSON.parse(await readFile(join(run, 'settings.json'), 'utf8'));
    const whole = given.sizes === settings.sizes && side !== 224;
    expect(used.sizes).toEqual(whole ? undefined : sizes);
    const sides = used.data.train.sizes.map(([height]: number[]) => height);
    expect(sides).toEqual(whole ? [8] : sizes); // noise is 8 x 8, and stays so
  });
});
