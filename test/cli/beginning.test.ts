import { describe, expect, it } from 'vitest';
import { beginningOf, settingsFor } from '../../src/cli/beginning.ts';
import { createModel } from '../../src/createModel.ts';
import '../support/addon.ts';

describe('the sizes of a recipe', () => {
  it.each<
    [
      string,
      {
        imageSize?: number;
        input: number;
        given?: Readonly<Record<string, unknown>>;
        sizes: readonly number[] | undefined;
      },
    ]
  >([
    ['hold for a network of its size', { input: 224, sizes: [160] }],
    ['give way to a size that is given', { imageSize: 64, input: 64, sizes: undefined }],
    ['give way to its own size, where that is given', { imageSize: 224, input: 224, sizes: undefined }],
    ['give way to a network that takes others', { input: 32, sizes: undefined }],
    ['give way to sizes that are given', { input: 224, given: { sizes: [96] }, sizes: [96] }],
    [
      'leave sizes alone that are given with a size',
      { imageSize: 64, input: 64, given: { sizes: [48, 64] }, sizes: [48, 64] },
    ],
  ])('%s', async (_, { imageSize, input, given = {}, sizes }) => {
    const beginning = beginningOf({ data: 'records:a', recipe: 'imagenet-a3', imageSize }, given);
    await using model = await createModel('lm_resnet20', {
      input: [3, input, input],
      classes: 2,
      device: 'cpu',
    });
    expect(settingsFor(beginning, model).sizes).toEqual(sizes);
  });
});
