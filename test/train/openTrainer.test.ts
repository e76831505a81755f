/** Progressive resizing: which epoch has images of which size, and what a training sees of it. */
import { describe, expect, it } from 'vitest';
import { openDataset } from '../../src/data/open.ts';
import { fromAsyncIterable } from '../../src/data/stream.ts';
import type { Dataset } from '../../src/loading/dataset.ts';
import { datasetOf } from '../../src/loading/images.ts';
import { network } from '../../src/models/network.ts';
import { presetConfig } from '../../src/models/presets.ts';
import { sizeAt } from '../../src/train/openTrainer.ts';
import type { TrainSettingsInput } from '../../src/train/settings.ts';
import { train } from '../../src/train/train.ts';
import { imagenetTrain, parseTransform, resizedTo } from '../../src/transforms/transforms.ts';
import { codeOf } from '../support/failures.ts';
import { photosOf, writePhotos } from '../support/files/photos.ts';
import { temporaryFolder } from '../support/folder.ts';
import { noise, tinyConfig, tinyModel } from '../support/training.ts';

describe('the size of the images', () => {
  it.each([
    { sizes: [1, 2, 3], epochs: 6, wanted: [1, 1, 2, 2, 3, 3] },
    { sizes: [1, 2, 3], epochs: 5, wanted: [1, 1, 2, 2, 3] },
    { sizes: [1, 1, 2], epochs: 3, wanted: [1, 1, 2] },
    { sizes: [1, 2, 3], epochs: 2, wanted: [1, 2] },
    { sizes: [7], epochs: 3, wanted: [7, 7, 7] },
  ])('has an equal share of the epochs: $sizes in $epochs', ({ sizes, epochs, wanted }) => {
    expect(Array.from({ length: epochs }, (_, epoch) => sizeAt(sizes, epoch, epochs))).toEqual(wanted);
  });

  it('is taken by the last random resized crop, else by a resize at the end', () => {
    expect(resizedTo(imagenetTrain(224), 128)).toEqual(imagenetTrain(128));
    const erased = parseTransform([{ kind: 'randomResizedCrop', size: [64, 32] }, { kind: 'randomErasing' }]);
    expect(resizedTo(erased, 16)).toEqual([{ ...erased[0], size: 16 }, erased[1]]);
    const cropped = parseTransform([
      { kind: 'randomResizedCrop', size: 64 },
      { kind: 'centerCrop', size: 32 },
    ]);
    for (const transform of [[], cropped, parseTransform([{ kind: 'randomCrop', size: 8 }])])
      expect(resizedTo(transform, 12)).toEqual([
        ...transform,
        ...parseTransform([{ kind: 'resize', size: [12, 12] }]),
      ]);
  });
});

const rgb = network({
  ...tinyConfig,
  input: presetConfig('lm_resnet20', { input: [3, 24, 24] }).input,
  name: 'rgb',
  classes: 2,
});

const losses = async (
  data: Dataset,
  settings: TrainSettingsInput,
  graph = network(tinyConfig),
): Promise<readonly number[]> => {
  const run = train(await tinyModel({}, graph), { train: data }, { batch: 8, ...settings });
  const all: number[] = [];
  for await (const event of run) if (event.type === 'step') all.push(...event.losses);
  return all;
};

describe('a training of images that grow', () => {
  const data = datasetOf(noise(32));

  it('is that of each size in its epochs', async () => {
    const [growing, small, large] = await Promise.all(
      [[8, 12], [8], [12, 12]].map((sizes) => losses(data, { epochs: 2, sizes })),
    );
    expect(growing).toHaveLength(8);
    expect(growing?.slice(0, 4)).toEqual(small?.slice(0, 4));
    expect(growing?.slice(4)).not.toEqual(small?.slice(4));
    const resized = data.with(parseTransform([{ kind: 'resize', size: [12, 12] }]));
    expect(large).toEqual(await losses(resized, { epochs: 2 }));
  });

  it('is the same every time, for any number of workers', async () => {
    const settings = { epochs: 3, sizes: [6, 8, 10] };
    const first = await losses(data, settings);
    for (const workers of [0, 2]) expect(await losses(data, { ...settings, workers })).toEqual(first);
  });

  it('lays the sizes over the steps where these are given', async () => {
    const growing = await losses(data, { steps: 6, sizes: [8, 12] });
    expect(growing.slice(0, 4)).toEqual((await losses(data, { steps: 6, sizes: [8] })).slice(0, 4));
    expect(growing.slice(4)).not.toEqual((await losses(data, { steps: 6, sizes: [8] })).slice(4));
  });

  it('crops photographs to the size at once', async () => {
    await using photos = await openDataset({
      kind: 'imageFolder',
      path: await writePhotos(await temporaryFolder(), photosOf(2, 4)),
    });
    const wanted = await losses(photos.with(imagenetTrain(16)), { epochs: 2 }, rgb);
    expect(await losses(photos, { epochs: 2, sizes: [16] }, rgb)).toEqual(wanted);
  });

  it('ends when it is stopped, in any epoch', async () => {
    const run = train(await tinyModel(), { train: data }, { batch: 8, epochs: 1000, sizes: [6, 8, 10] });
    for await (const event of run) if (event.type === 'step' && event.epoch >= 2) break;
    expect(await run).toMatchObject({ stopped: true });
  });

  it.each([[[]], [[0]], [[8.5]], [8]])('refuses sizes that are none: %j', async (sizes) => {
    const model = await tinyModel();
    expect(await codeOf(() => train(model, { train: data }, { batch: 8, sizes: sizes as number[] }))).toBe(
      'ERR_CONFIG',
    );
  });

  it('refuses sizes of a stream, and those that the network cannot take', async () => {
    const stream = fromAsyncIterable((async function* () {})(), {
      classNames: ['a', 'b', 'c', 'd'],
      size: { height: 8, width: 8, channels: 1 },
    });
    const model = await tinyModel();
    const sized = { batch: 8, sizes: [8] };
    expect(await codeOf(() => train(model, { train: stream }, { ...sized, steps: 2 }))).toBe('ERR_CONFIG');
    await stream.close();
    const pooled = await tinyModel(
      {},
      network(presetConfig('fractalnet20', { input: [1, 32, 32], classes: 4 })),
    );
    expect(
      await codeOf(() =>
        train(
          pooled,
          { train: data.with(parseTransform([{ kind: 'resize', size: [32, 32] }])) },
          { ...sized, sizes: [32, 8] },
        ),
      ),
    ).toBe('ERR_SHAPE');
    expect(model.training).toBe(false);
  });
});
