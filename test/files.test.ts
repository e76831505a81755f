import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { analyze } from '../src/analyze/analyze.ts';
import { loadDataset } from '../src/data/datasets.ts';
import { channelStatistics, type ImageSetInput, imageSet } from '../src/data/imageSet.ts';
import { writePreview } from '../src/data/preview.ts';
import { pack } from '../src/data/records/pack.ts';
import { checkImages } from '../src/data/scan.ts';
import { deepen } from '../src/deepen/deepen.ts';
import { evaluateInDetail } from '../src/evaluate/evaluateInDetail.ts';
import { ensureFolder, isTemporary, linkFile, readBounded, replaceFile, withFile } from '../src/files.ts';
import { summary } from '../src/graph/summary.ts';
import type { ImageSize } from '../src/images/imageSize.ts';
import { readImage } from '../src/images/readImage.ts';
import { writeImage } from '../src/images/writeImage.ts';
import type { Images } from '../src/loading/images.ts';
import { Model } from '../src/model/model.ts';
import { drawNetwork } from '../src/picture/network.ts';
import type { RateSearch } from '../src/picture/rates.ts';
import { writeCurves, writeRates } from '../src/pictureFile.ts';
import { analysisPage } from '../src/report/analysis/page.ts';
import { compareRuns } from '../src/report/run/compareRuns.ts';
import { reportPage } from '../src/report/run/page.ts';
import { openEventFile } from '../src/run/eventFile.ts';
import { createRunFolder } from '../src/run/folder.ts';
import { findLearningRate } from '../src/search/findLearningRate.ts';
import { Classifier } from '../src/serve/classifier.ts';
import { lastGoodCheckpoint } from '../src/train/resume.ts';
import { codeOf } from './support/failures.ts';
import { temporaryFolder } from './support/folder.ts';

/** What no data set is. */
const none = {} as unknown as Images;

describe('what is no path', () => {
  it.each([undefined, null, 5, {}, new URL('file:///tmp/a')])(
    'is ERR_CONFIG, as %o, whatever wants a file',
    async (wrong) => {
      const path = wrong as unknown as string;
      const calls = [
        withFile(path, async () => undefined),
        readBounded(path, 10),
        replaceFile(path, async () => undefined),
        linkFile('a', path),
        Model.load(path),
        Classifier.open(path),
        loadDataset('mnist', path, 'train'),
        pack({ kind: 'mnist', path: 'nowhere' }, path),
        writeImage(path, new Uint8Array(3), { channels: 3, height: 1, width: 1 }),
        writePreview(path, none),
        writeCurves(path, []),
        writeRates(path, { rates: [], losses: [], smoothed: [], suggestion: null, diverged: false }),
        compareRuns([path]),
        createRunFolder(path),
        lastGoodCheckpoint(path),
        openEventFile(path),
      ];
      expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'ERR_CONFIG'));
    },
  );

  it('is ERR_CONFIG in the place of a model, images, pixels or rows as well', async () => {
    const model = 'model.safetensors' as unknown as Model;
    const rows = 'curves.png' as unknown as [];
    const size = undefined as unknown as ImageSize;
    const calls = [
      analyze(model),
      deepen(model),
      checkImages(none),
      readImage('cat.jpg', size),
      writeImage('cat.png', rows as unknown as Uint8Array, { channels: 3, height: 1, width: 1 }),
      writeImage('cat.png', new Uint8Array(3), size),
      writeCurves('curves.png', rows),
      writeRates('rates.png', rows as unknown as RateSearch),
      writeCurves('curves.svg', [null] as unknown as []),
      evaluateInDetail(model, none),
      findLearningRate(model, none),
      ...[imageSet, channelStatistics, summary, drawNetwork, analysisPage, reportPage].map(async (make) =>
        (make as (wrong: unknown) => unknown)({}),
      ),
      Promise.resolve().then(() => imageSet(undefined as unknown as ImageSetInput)),
    ];
    expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'ERR_CONFIG'));
  });
});

describe('linkFile', () => {
  it('gives a file a second name, in place of another file, and once more without effect', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'a'), 'new');
    await writeFile(join(folder, 'b'), 'old');
    for (const _ of [1, 2]) await linkFile(join(folder, 'a'), join(folder, 'b'));
    expect(await readdir(folder)).toEqual(['a', 'b']);
    expect(await readFile(join(folder, 'b'), 'utf8')).toBe('new');
    await replaceFile(join(folder, 'a'), (file) => file.writeFile('newer'));
    expect(await readFile(join(folder, 'b'), 'utf8')).toBe('new');
  });

  it('is ERR_FILE without a file, and leaves the other', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'b'), 'old');
    expect(await codeOf(linkFile(join(folder, 'a'), join(folder, 'b')))).toBe('ERR_FILE');
    expect(await readdir(folder)).toEqual(['b']);
  });

  it('writes under names that are known again', async () => {
    const folder = await temporaryFolder();
    let under = '';
    await replaceFile(join(folder, 'a'), async () => {
      under = (await readdir(folder))[0] ?? '';
    });
    expect([under, 'a', '.tmp'].map(isTemporary)).toEqual([true, false, false]);
  });
});

describe('ensureFolder', () => {
  it('makes a folder and those above it, and leaves what is there alone', async () => {
    const folder = join(await temporaryFolder(), 'a', 'b', 'c');
    await ensureFolder(folder);
    await writeFile(join(folder, 'x'), '');
    await ensureFolder(folder);
    expect(await readdir(folder)).toEqual(['x']);
  });

  // Node's own mkdir, recursive, never comes back from /proc.
  it.each<[string, () => Promise<string>, string]>([
    ['a file system that takes none', async () => '/proc/lm-resnet/a/b', 'ENOENT'],
    ['a file in the way', async () => fileNamed('a'), 'EEXIST'],
    ['a file above it', async () => join(await fileNamed('a'), 'b', 'c'), 'ENOTDIR'],
    ['no path', async () => 'a\0b', 'ERR_INVALID_ARG_VALUE'],
  ])('says of %s what the file system does', async (_, path, code) => {
    await expect(ensureFolder(await path())).rejects.toMatchObject({ code });
  });

  async function fileNamed(name: string): Promise<string> {
    const path = join(await temporaryFolder(), name);
    await writeFile(path, '');
    return path;
  }
});

describe('replaceFile', () => {
  it('writes a new file and leaves nothing else', async () => {
    const folder = await temporaryFolder();
    await replaceFile(join(folder, 'a'), (file) => file.writeFile('new'));
    expect(await readdir(folder)).toEqual(['a']);
    expect(await readFile(join(folder, 'a'), 'utf8')).toBe('new');
  });

  it('keeps the old file when the writing fails half-way', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'a');
    await writeFile(path, 'old');
    const full = Object.assign(new Error('no space'), { code: 'ENOSPC', syscall: 'write' });
    const torn = replaceFile(path, async (file) => {
      await file.writeFile('ne');
      throw full;
    });
    await expect(torn).rejects.toMatchObject({
      code: 'ERR_FILE',
      hint: expect.stringContaining('full'),
      cause: full,
    });
    expect(await readdir(folder)).toEqual(['a']);
    expect(await readFile(path, 'utf8')).toBe('old');
  });

  it('passes on errors that are not of the file system', async () => {
    const folder = await temporaryFolder();
    const mine = new Error('mine');
    await expect(replaceFile(join(folder, 'a'), () => Promise.reject(mine))).rejects.toBe(mine);
    expect(await readdir(folder)).toEqual([]);
  });

  it('leaves one whole file when many write the same', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'a');
    const texts = Array.from({ length: 8 }, (_, i) => String(i).repeat(10_000));
    await Promise.all(texts.map((text) => replaceFile(path, (file) => file.writeFile(text))));
    expect(texts).toContain(await readFile(path, 'utf8'));
    expect(await readdir(folder)).toEqual(['a']);
  });

  it('refuses a missing folder, a folder in the place of the file, and a file in the place of the folder', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'd'));
    await writeFile(join(folder, 'f'), '');
    for (const path of ['none/a', 'd', 'f/a'])
      expect(await codeOf(replaceFile(join(folder, path), (file) => file.writeFile('')))).toBe('ERR_FILE');
    expect(await readdir(folder)).toEqual(['d', 'f']);
  });
});

describe('withFile', () => {
  it('refuses a path that cannot be one', async () => {
    expect(await codeOf(withFile('a\0b', async () => 1))).toBe('ERR_FILE');
  });

  it('refuses a missing file with the meaning of the errno', async () => {
    const folder = await temporaryFolder();
    const read = withFile(join(folder, 'none'), async () => 1);
    await expect(read).rejects.toMatchObject({
      code: 'ERR_FILE',
      message: expect.stringContaining('ENOENT'),
    });
  });
});
