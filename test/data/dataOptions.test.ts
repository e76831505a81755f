/** What a new model takes from its data. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createModel } from '../../src/createModel.ts';
import { dataOptions } from '../../src/data/dataOptions.ts';
import { loadDataset } from '../../src/data/datasets.ts';
import { imageSet } from '../../src/data/imageSet.ts';
import { openDataset } from '../../src/data/open.ts';
import { fromAsyncIterable } from '../../src/data/stream.ts';
import type { Images } from '../../src/loading/images.ts';
import { imagenetMean, imagenetStd } from '../../src/transforms/transforms.ts';
import '../support/addon.ts';
import { codeOf } from '../support/failures.ts';
import { writeDigits } from '../support/files/idx.ts';
import { photosOf, writePhotos } from '../support/files/photos.ts';
import { temporaryFolder } from '../support/folder.ts';

const digits = Array.from({ length: 10 }, (_, i) => String(i));
const mnist = { input: [1, 28, 28], mean: [0.1307], std: [0.3081], classes: 10, classNames: digits };
/** Two pixels of 0 and 255 in every channel but the last, which is 51 everywhere: 0.2. */
const dots = { images: Uint8Array.of(0, 255, 51, 255, 0, 51), labels: [1], height: 1, width: 2, channels: 3 };
const ofDots = { input: [3, 1, 2], mean: [0.5, 0.5, 0.2], std: [0.5, 0.5, 1] };
const digitsIn = async (): Promise<string> => writeDigits(join(await temporaryFolder(), 'digits'));
const photosIn = async (): Promise<string> => writePhotos(join(await temporaryFolder(), 'p'), photosOf(2, 1));
const files = { mean: imagenetMean, std: imagenetStd };

describe('what a model takes from its data', () => {
  it.each<{ title: string; make: () => Promise<Images> | Images; wanted: object }>([
    {
      title: 'a known set',
      make: async () => loadDataset('mnist', await digitsIn(), 'train'),
      wanted: mnist,
    },
    {
      title: 'a known set that was opened, and a part of it',
      make: async () =>
        openDataset({ kind: 'mnist', path: await digitsIn(), holdOut: { fraction: 0.5, seed: 0 } }),
      wanted: mnist,
    },
    {
      title: 'pixels with names',
      make: () => imageSet({ ...dots, classNames: ['a', 'b', 'c'] }),
      wanted: { ...ofDots, classes: 3, classNames: ['a', 'b', 'c'] },
    },
    {
      title: 'pixels without names',
      make: () => ({ ...dots, labels: Int32Array.of(1) }),
      wanted: { ...ofDots, classes: 2 },
    },
    {
      title: 'files',
      make: async () => openDataset({ kind: 'imageFolder', path: await photosIn() }),
      wanted: { ...files, classes: 2, classNames: ['a', 'b'] },
    },
    {
      title: 'a stream',
      make: () => fromAsyncIterable((async function* () {})(), { classNames: ['x', 'y'] }),
      wanted: { ...files, classes: 2, classNames: ['x', 'y'] },
    },
  ])('is its size, mean, deviation and classes: $title', async ({ make, wanted }) => {
    expect(dataOptions(await make())).toEqual(wanted);
  });

  it('makes a model, and what options say goes before', async () => {
    const data = imageSet({ ...dots, height: 2, width: 1, classNames: ['a', 'b'] });
    const made = async (options: object): Promise<object> => {
      await using model = await createModel('resnet20', { device: 'cpu', ...options });
      const { channels, height, width, mean, std } = model.input;
      return { input: [channels, height, width], mean, std, classNames: model.classNames };
    };
    const { mean, std } = ofDots;
    const all = { input: [3, 2, 1], mean, std, classNames: ['a', 'b'] };
    expect(await made({ data })).toEqual(all);
    expect(await made({ data, mean: [0, 0, 0], classNames: ['x', 'y', 'z'] })).toEqual({
      ...all,
      mean: [0, 0, 0],
      classNames: ['x', 'y', 'z'],
    });
    expect(await made({ data, classes: 3, input: [3, 8, 8] })).toEqual({
      ...all,
      input: [3, 8, 8],
      classNames: ['0', '1', '2'],
    });
    expect(await made({ data, input: [1, 8, 8] })).toMatchObject({ mean: [0.5], std: [0.25] });
  });

  it('has as many classes as there are names', async () => {
    await using model = await createModel('lm_resnet20', { classNames: ['cat', 'dog'], device: 'cpu' });
    expect([model.graph.classes, model.classNames]).toEqual([2, ['cat', 'dog']]);
  });

  it.each<[string, unknown]>([
    ['data that is none', { data: 'mnist' }],
    ['names and another number', { classNames: ['cat', 'dog'], classes: 3 }],
    ['names that are none', { classNames: 'cat' }],
    ['no names at all', { classNames: [] }],
    ['no options, but null', null],
  ])('is refused: %s', async (_, options) => {
    expect(await codeOf(createModel('lm_resnet20', options as object))).toBe('ERR_CONFIG');
  });
});
