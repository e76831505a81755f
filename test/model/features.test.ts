import { inspect } from 'node:util';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { createModel } from '../../src/createModel.ts';
import { Model } from '../../src/model/model.ts';
import { network } from '../../src/models/network.ts';
import { type PresetName, presetConfig } from '../../src/models/presets.ts';
import type { NativeTensor } from '../../src/native/binding.ts';
import { plainHead } from '../../src/nn/heads.ts';
import { codeOf } from '../support/failures.ts';
import { noiseBytes } from '../support/noise.ts';
import { distance } from '../support/tensor.ts';

const images = noiseBytes(2 * 16 * 16 * 3);
const options = { classes: 5, input: [3, 16, 16] } as const;
const place = { device: 'cpu', dtype: 'float64', seed: 1 } as const;

/** features · weightsᵀ + bias: what a last linear layer makes of features [n, F]. */
async function lastLayer(model: Model, { shape: [n = 0, f = 0], data }: NativeTensor): Promise<Float64Array> {
  const [weight, bias] = [await model.readTensor('head.fc.weight'), await model.readTensor('head.fc.bias')];
  return Float64Array.from({ length: n * bias.length }, (_, at) => {
    const [image, c] = [Math.floor(at / bias.length), at % bias.length];
    let sum = bias[c] ?? 0;
    for (let i = 0; i < f; i++) sum += (data[image * f + i] ?? 0) * (weight[c * f + i] ?? 0);
    return sum;
  });
}

describe('model.features', () => {
  it.each<PresetName>(['lm_resnet20', 'resnet20', 'preact_resnet20', 'revnet38'])(
    'gives what the last layer of %s reads: times its weights, the logits',
    async (name) => {
      await using model = await createModel(name, { ...options, ...place });
      const { pooled } = await model.features(images);
      expect(pooled.shape[0]).toBe(2);
      expect(distance(await model.logits(images), await lastLayer(model, pooled))).toBeLessThan(1e-6);
    },
  );

  it('gives them from before dropout, which an evaluation has not', async () => {
    const config = { ...presetConfig('resnet20', options), name: 'dropped' };
    const graph = network({ ...config, head: (classes) => plainHead(classes, { dropout: 0.5 }) });
    await using model = await Model.create(graph, place);
    const { pooled } = await model.features(images);
    expect(distance(await model.logits(images), await lastLayer(model, pooled))).toBeLessThan(1e-6);
  });

  it('gives the states after the stem and the stages, by name', async () => {
    await using model = await createModel('resnet20', { ...options, ...place });
    const found = await model.features(images, ['stem', 'stage1', 'stage2', 'stage3', 'pooled']);
    expect(Object.entries(found).map(([name, { shape }]) => [name, shape])).toEqual([
      ['stem', [2, 16, 16, 16]],
      ['stage1', [2, 16, 16, 16]],
      ['stage2', [2, 32, 8, 8]],
      ['stage3', [2, 64, 4, 4]],
      ['pooled', [2, 64]],
    ]);
    const { stage3, pooled } = found;
    const means = Float64Array.from({ length: 128 }, (_, i) => {
      const map = stage3.data.subarray(16 * i, 16 * i + 16);
      return map.reduce((a, b) => a + b) / 16;
    });
    expect(distance(pooled.data, means)).toBeLessThan(1e-12);
    expectTypeOf(found).toEqualTypeOf<
      Record<'stem' | 'stage1' | 'stage2' | 'stage3' | 'pooled', NativeTensor>
    >();
  });

  it.each([
    ['a stage that is not there', ['stage4'], 'ERR_UNKNOWN_NAME'],
    ['an unknown name', ['pool'], 'ERR_UNKNOWN_NAME'],
    ['no names', [], 'ERR_CONFIG'],
    ['no list', 'pooled', 'ERR_CONFIG'],
  ])('refuses %s', async (_, names, code) => {
    await using model = await createModel('resnet20', { ...options, ...place });
    expect(await codeOf(model.features(images, names as ['pooled']))).toBe(code);
  });

  it('refuses a closed model', async () => {
    const model = await createModel('resnet20', { ...options, ...place });
    await model.close();
    expect(await codeOf(model.features(images))).toBe('ERR_CLOSED');
  });
});

describe('console.log', () => {
  it('shows a model in three lines', async () => {
    const model = await createModel('lm_resnet20', { ...place, device: 'cpu', seed: 1 });
    expect(inspect(model)).toBe(
      [
        'Model lm_resnet20: 272,384 parameters, 9 steps',
        '  images 32x32x3; 10 classes: 0, 1, 2, 3, 4 and 5 more',
        `  float64 on cpu, ${(model.bytes / 2 ** 20).toFixed(1)} MiB; ready`,
      ].join('\n'),
    );
    await model.close();
    expect(inspect(model)).toMatch(/0\.0 MiB; closed$/);
  });
});
