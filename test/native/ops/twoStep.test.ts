/** The linear two-step scheme against Euler, natively. */
import { describe, expect, it } from 'vitest';
import { network } from '../../../src/models/network.ts';
import { euler } from '../../../src/schemes/euler.ts';
import { linearTwoStep } from '../../../src/schemes/linearTwoStep.ts';
import { nativeModel } from '../../support/natives.ts';
import { nhwc, random } from '../../support/tensor.ts';
import { tinyConfig } from '../../support/training.ts';

describe.each(['float32', 'float64'] as const)('linearTwoStep with k = 0 in %s', (dtype) => {
  it('equals Euler to the bit: output and every gradient', async () => {
    const graphs = {
      two: network({ ...tinyConfig, scheme: linearTwoStep() }),
      one: network({ ...tinyConfig, scheme: euler }),
    };
    const { channels, height, width } = graphs.one.input;
    const x = nhwc(random('x', [3, channels, height, width]));
    const cotangent = random('cotangent', [3, graphs.one.classes]).data;
    const two = nativeModel(graphs.two, dtype);
    const one = nativeModel(graphs.one, dtype);
    for (const { path, kind } of graphs.two.params)
      if (kind === 'coefficient') await two.writeTensor(path, 'value', new Float64Array(1));
      else await two.writeTensor(path, 'value', await one.readTensor(path, 'value'));
    const [a, b] = await Promise.all(
      [two, one].map((model) => model.vjp(x, 3, height, width, cotangent, { training: true })),
    );
    expect(a?.output.data).toEqual(b?.output.data);
    expect(a?.inputGradient?.data).toEqual(b?.inputGradient?.data);
    for (const { path } of graphs.one.params)
      expect(await two.readTensor(path, 'gradient'), path).toEqual(await one.readTensor(path, 'gradient'));
  });
});
