import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../../src/data/open.ts';
import { compareRuns } from '../../src/report/run/compareRuns.ts';
import { train } from '../../src/train/train.ts';
import { imagenetTrain } from '../../src/transforms/transforms.ts';
import '../support/addon.ts';
import { createModel } from '../../src/createModel.ts';
import { photosOf, writePhotos } from '../support/files/photos.ts';
import { temporaryFolder } from '../support/folder.ts';

describe('settings.json', () => {
  it('says what a run of the API used, and a report where two differ', async () => {
    const folder = await temporaryFolder();
    await writePhotos(join(folder, 'photos/train'), photosOf(2, 4));
    await writePhotos(join(folder, 'photos/valid'), photosOf(2, 2));
    const path = join(folder, 'photos');
    await using data = await openDataset({ kind: 'imageFolder', path });
    await using test = await openDataset({ kind: 'imageFolder', path, split: 'test', exif: false });
    const sized = { a: undefined, b: [16, 24] };
    for (const [name, sizes] of Object.entries(sized)) {
      await using model = await createModel('lm_resnet20', { input: [3, 32, 32], classes: 2, device: 'cpu' });
      await train(
        model,
        { train: data, test },
        { run: join(folder, name), steps: 1, batch: 4, workers: 1, sizes },
      );
    }
    const { data: used, classNames } = JSON.parse(await readFile(join(folder, 'a/settings.json'), 'utf8'));
    expect(classNames).toEqual(data.classNames);
    expect(used).toMatchObject({
      train: {
        spec: { kind: 'imageFolder', path, split: 'train' },
        images: 8,
        sizes: [[32, 32]],
        exif: false,
      },
      test: { spec: { path, split: 'test', exif: false }, images: 4, sizes: [[32, 32]], exif: false },
    });
    expect(used.train.transform).toEqual(imagenetTrain([32, 32]));
    const { differing } = await compareRuns([join(folder, 'a'), join(folder, 'b')]);
    expect(differing.map(({ option }) => option)).toEqual([
      'data.train.sizes',
      'data.train.transform',
      'sizes',
    ]);
    expect(differing[0]?.values).toEqual([
      [[32, 32]],
      [
        [16, 16],
        [24, 24],
      ],
    ]);
    expect(differing[1]?.values[1]).toEqual(imagenetTrain(16));
  });
});
