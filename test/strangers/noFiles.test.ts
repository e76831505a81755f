/** What is no regular file, or far too large for what it is to be, wherever a path is given. */
import { execFileSync } from 'node:child_process';
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/cli/config.ts';
import {
  compareRuns,
  importTorchvision,
  Model,
  openDataset,
  readImage,
  transformImage,
} from '../../src/index.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';

const size = { channels: 3, height: 8, width: 8 };
const manifest = { format: 'lm-resnet records', version: 1, complete: true, plan: '', classNames: ['a'] };

/** Readers, and the path that they are given in a folder. */
const readers: Readonly<Record<string, readonly [string, (folder: string, path: string) => unknown]>> = {
  readImage: ['a.jpg', (_, path) => readImage(path, size)],
  transformImage: ['a.jpg', (_, path) => transformImage(path, [])],
  'Model.load': ['a.safetensors', (_, path) => Model.load(path)],
  importTorchvision: ['a.safetensors', (_, path) => importTorchvision('resnet18', path)],
  'a shard of tar': ['a.tar', (_, path) => openDataset({ kind: 'webDataset', path })],
  'the manifest of records': ['dataset.json', (path) => openDataset({ kind: 'records', path })],
  'a shard of records': [
    '00000.safetensors',
    async (path) => {
      await writeFile(join(path, 'dataset.json'), JSON.stringify({ ...manifest, shards: 1, count: 1 }));
      return openDataset({ kind: 'records', path });
    },
  ],
  'a list of what is held out': [
    'list.txt',
    async (folder, file) => {
      const path = join(folder, 'images');
      await mkdir(join(path, 'c'), { recursive: true });
      await sharp({ create: { width: 8, height: 8, channels: 3, background: '#fff' } }).toFile(
        join(path, 'c/1.png'),
      );
      return openDataset({ kind: 'imageFolder', path, holdOut: { file } });
    },
  ],
  'a configuration file': ['train.yaml', (_, path) => readConfig(path, ['data'])],
  'the settings of a run': ['settings.json', (folder) => compareRuns([folder])],
  'the metrics of a run': [
    'metrics.jsonl',
    async (folder) => {
      await writeFile(join(folder, 'settings.json'), '{"model":"m"}');
      return compareRuns([folder]);
    },
  ],
};

const kinds: Readonly<Record<string, (path: string) => Promise<void> | void>> = {
  'a FIFO': (path) => void execFileSync('mkfifo', [path]),
  'a device without end': (path) => symlink('/dev/zero', path),
  'a device that waits': (path) => symlink('/dev/tty', path),
  'a link to itself': (path) => symlink(path, path),
  'a link to nothing': (path) => symlink('/nowhere', path),
  'a folder': async (path) => void (await mkdir(path)),
  'a file of 20 GiB of zeros': async (path) => {
    await writeFile(path, '');
    await truncate(path, 20 * 2 ** 30);
  },
};

describe.each(Object.entries(readers))('%s', (_, [name, read]) => {
  it.each(Object.entries(kinds))('refuses %s', async (__, make) => {
    const folder = await temporaryFolder();
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await make(path);
    expect(await codeOf(Promise.resolve(read(folder, path)))).toMatch(
      /^ERR_(FILE|DATASET|CHECKPOINT|IMAGE)$/,
    );
  });
});

it('files of images of a gigabyte that are none are not read', async () => {
  const path = join(await temporaryFolder(), 'a.jpg');
  await writeFile(path, '');
  await truncate(path, 2 ** 30);
  const before = process.memoryUsage.rss();
  expect(await codeOf(readImage(path, size))).toBe('ERR_FILE');
  expect(process.memoryUsage.rss() - before).toBeLessThan(2 ** 28);
});
