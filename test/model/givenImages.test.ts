/**
 * Images as predictions take them: paths, bytes of files, pixels; and the one way to look at a file that
 * evaluations share.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { batches } from '../../src/data/batches.ts';
import { imageSet } from '../../src/data/imageSet.ts';
import { openDataset } from '../../src/data/open.ts';
import type { ImageFile } from '../../src/images/imageFile.ts';
import { readImage } from '../../src/images/readImage.ts';
import { transformImage } from '../../src/images/transformImage.ts';
import type { Dataset } from '../../src/loading/dataset.ts';
import type { GivenImages } from '../../src/model/givenImages.ts';
import type { Model } from '../../src/model/model.ts';
import type { PredictOptions } from '../../src/model/options.ts';
import { train } from '../../src/train/train.ts';
import { wholeImage } from '../../src/transforms/preprocessing.ts';
import { imagenetEval, parseTransform, type TransformInput } from '../../src/transforms/transforms.ts';
import '../support/addon.ts';
import { codeOf } from '../support/failures.ts';
import { writeFiles } from '../support/files/images.ts';
import { photosOf, picture, writePhotos } from '../support/files/photos.ts';
import { temporaryFolder } from '../support/folder.ts';
import { noiseBytes } from '../support/noise.ts';
import { loaded, noise, tinyModel } from '../support/training.ts';

const [width, height] = [31, 22];
const tagged = (orientation: number): Promise<Buffer> =>
  sharp(picture(width, height, 3), { raw: { width, height, channels: 3 } })
    .withMetadata({ orientation })
    .jpeg()
    .toBuffer();
const arrayBufferOf = (bytes: Uint8Array): ArrayBuffer => {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
};

/** A folder of one image in each of four classes, opened. */
async function folderOf(file: Uint8Array, transform?: TransformInput): Promise<Dataset> {
  const names = ['0', '1', '2', '3'].map((name) => [`${name}/x.jpg`, file] as const);
  const path = await writeFiles(await temporaryFolder(), Object.fromEntries(names));
  const data = await openDataset({ kind: 'imageFolder', path, transform });
  onTestFinished(() => data.close());
  return data;
}

describe('a file to be classified', () => {
  it('may be a path, bytes of every kind, and one of a list: all are the same image', async () => {
    const model = await tinyModel();
    const file = await tagged(6);
    const path = join(await temporaryFolder(), 'photo');
    await writeFile(path, file);
    const wanted = await model.logits(await readImage(path, model.input));
    const ways: readonly ImageFile[] = [
      path,
      file,
      new Uint8Array(file),
      new Uint8ClampedArray(file),
      arrayBufferOf(file),
      Buffer.concat([Buffer.alloc(9), file]).subarray(9),
    ];
    for (const way of ways) expect(await model.logits(way)).toEqual(wanted);
    const all = await model.predict(ways);
    expect(all).toHaveLength(ways.length);
    for (const one of all) expect(one.probability).toBeCloseTo(all[0]?.probability ?? 0, 6);
    const [node = 0] = model.graph.steps[0]?.after ?? [];
    expect(await model.probe(path, [node])).toEqual(
      await model.probe(await readImage(path, model.input), [node]),
    );
  });

  it('may be of any format', async () => {
    const model = await tinyModel();
    const image = sharp(picture(8, 8, 3), { raw: { width: 8, height: 8, channels: 3 } });
    const png = await model.logits(await image.clone().png().toBuffer());
    expect(await model.logits(await image.clone().webp({ lossless: true }).toBuffer())).toEqual(png);
    expect(await model.logits(await image.clone().tiff({ compression: 'none' }).toBuffer())).toEqual(png);
  });

  it('is one of many in a long list', async () => {
    const model = await tinyModel();
    const files = await Promise.all(Array.from({ length: 70 }, (_, i) => tagged(1 + (i % 8))));
    const all = await model.logits(files);
    expect(all).toHaveLength(70 * 4);
    for (const i of [0, 33, 69]) {
      const alone = await model.logits(files[i] ?? '');
      for (let c = 0; c < 4; c++) expect(all[4 * i + c]).toBeCloseTo(alone[c] ?? 0, 5);
    }
  });

  it('is what an evaluation sees of it', async () => {
    for (const transform of [
      undefined,
      imagenetEval(8),
      wholeImage([8, 8]),
      [{ kind: 'resize', size: [8, 8] }],
    ] as const) {
      const model = await tinyModel({ transform });
      const file = await tagged(5);
      const data = await folderOf(file);
      const guesses = await model.predict(file, { topK: 4 });
      const loss = [0, 1, 2, 3].map(
        (c) => -Math.log(guesses[0]?.top.find((g) => g.index === c)?.probability ?? 0),
      );
      const { loss: mean } = await model.evaluate(data);
      expect(mean).toBeCloseTo(loss.reduce((a, b) => a + b) / 4, 5);
    }
  });

  it('is never taken for pixels, even where it has as many bytes', async () => {
    const model = await tinyModel();
    const file = await sharp(picture(8, 8, 1), { raw: { width: 8, height: 8, channels: 3 } })
      .webp({ quality: 1 })
      .toBuffer();
    const padded = Buffer.concat([file, Buffer.alloc(64 - (file.length % 64))]);
    expect(await model.logits(padded)).toEqual(await model.logits(file));
    expect(await model.logits(padded)).toHaveLength(4);
  });

  it.each<[string, GivenImages, PredictOptions, string]>([
    ['no image', [], {}, 'ERR_SHAPE'],
    ['a file that is missing', '/nowhere/x.jpg', {}, 'ERR_FILE'],
    ['a torn file', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]), {}, 'ERR_IMAGE'],
    ['a torn file among others', [Buffer.from('GIF89a')], {}, 'ERR_IMAGE'],
    ['pixels in a list of files', [noiseBytes(64)], {}, 'ERR_IMAGE'],
    ['numbers', [1, 2, 3] as unknown as string[], {}, 'ERR_CONFIG'],
    ['nothing', undefined as unknown as string, {}, 'ERR_CONFIG'],
    ['a transform of pixels', noiseBytes(64), { transform: [] }, 'ERR_CONFIG'],
    ['orientation of pixels', noiseBytes(64), { exif: false }, 'ERR_CONFIG'],
  ])('is refused: %s', async (_, images, options, code) => {
    expect(await codeOf((await tinyModel()).predict(images, options))).toBe(code);
  });

  it('is named where it cannot be decoded', async () => {
    const model = await tinyModel();
    const path = join(await temporaryFolder(), 'torn.jpg');
    await writeFile(path, 'no image');
    const named = (text: string): object => ({ code: 'ERR_IMAGE', message: expect.stringContaining(text) });
    await expect(model.predict(path)).rejects.toMatchObject(named(path));
    await expect(model.predict([await tagged(1), Buffer.from('no')])).rejects.toMatchObject(
      named('images[1]'),
    );
  });
});

describe('pixels to be classified', () => {
  it('may be clamped', async () => {
    const model = await tinyModel();
    const pixels = noiseBytes(128);
    expect(await model.logits(new Uint8ClampedArray(pixels))).toEqual(await model.logits(pixels));
  });

  it('of an evaluation are pixels, whatever they begin like', async () => {
    const model = await tinyModel();
    const pixels = noiseBytes(64);
    pixels.set(Buffer.from('GIF89a'));
    expect(await codeOf(model.logits(pixels))).toBe('ERR_IMAGE');
    const set = imageSet({ images: pixels, labels: [1], height: 8, width: 8, channels: 1 });
    expect((await model.evaluate(set)).count).toBe(1);
  });
});

describe('options of a prediction', () => {
  it.each<[string, PredictOptions, TransformInput, object]>([
    [
      'a transform',
      { transform: [{ kind: 'resize', size: [8, 8] }] },
      [{ kind: 'resize', size: [8, 8] }],
      {},
    ],
    ['no orientation', { exif: false }, wholeImage(8), { exif: false }],
    ['another size', { height: 12, width: 16 }, wholeImage([12, 16]), {}],
  ])('go before what the model has: %s', async (_, options, transform, decoding) => {
    const model = await tinyModel();
    const file = await tagged(6);
    const seen = await transformImage(file, transform, decoding);
    const gray = Uint8Array.from({ length: seen.pixels.length / 3 }, (_, i) => {
      const [r = 0, g = 0, b = 0] = seen.pixels.subarray(3 * i, 3 * i + 3);
      return (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
    });
    const size = { height: seen.height, width: seen.width };
    expect(await model.logits(file, options)).toEqual(await model.logits(gray, size));
  });
});

describe('a checkpoint', () => {
  const own = { transform: imagenetEval(8, 11), exif: false, sixteenBit: 'clip' } as const;
  const saved = async (model: Model): Promise<string> => {
    const path = join(await temporaryFolder(), 'x.safetensors');
    await model.save(path);
    return path;
  };

  it('has what happens to image files, and options go before it', async () => {
    const path = await saved(await tinyModel(own));
    expect((await loaded(path)).input).toMatchObject(own);
    const other = await loaded(path, { transform: wholeImage(8), exif: true });
    expect(other.input).toMatchObject({ transform: wholeImage(8), exif: true, sixteenBit: 'clip' });
  });

  it('of another size looks in proportion', async () => {
    const path = await saved(await tinyModel(own));
    const larger = await loaded(path, { input: [1, 16, 16] });
    expect(larger.input.transform).toEqual(imagenetEval(16, 22));
  });

  it('of a run looks as its evaluations did', async () => {
    const folder = await temporaryFolder();
    const photos = await writePhotos(join(folder, 'photos'), photosOf(4, 2));
    const open = async (transform?: TransformInput, exif?: boolean): Promise<Dataset> => {
      const data = await openDataset({ kind: 'imageFolder', path: photos, transform, exif });
      onTestFinished(() => data.close());
      return data;
    };
    const stretched = [{ kind: 'resize', size: [8, 8] }] as const;
    const rows: readonly [string, Parameters<typeof train>[1], object][] = [
      [
        'tested on files',
        { train: await open(), test: await open(stretched, false) },
        { transform: parseTransform(stretched), exif: false },
      ],
      ['tested on files as usual', { train: await open(stretched), test: await open() }, own],
      ['not tested', { train: await open(stretched) }, own],
      ['tested on pixels', { train: noise(8), test: noise(8) }, { ...own, transform: wholeImage(8) }],
      ['on pixels, not tested', { train: noise(8) }, { ...own, transform: wholeImage(8) }],
    ];
    for (const [i, [, data, wanted]] of rows.entries()) {
      const classNames = data.train === rows[3]?.[1].train ? undefined : ['a', 'b', 'c', 'd'];
      const model = await tinyModel({ ...own, ...(classNames === undefined ? {} : { classNames }) });
      const run = join(folder, String(i));
      await train(model, data, { steps: 1, batch: 4, run });
      expect(model.input).toMatchObject(wanted);
      const again = await loaded(join(run, 'checkpoint.safetensors'));
      expect(again.input).toEqual(model.input);
    }
  });
});

describe('a small image of the size of a network', () => {
  it('is classified as the pixels that it has, whether trained or not', async () => {
    const model = await tinyModel();
    const digit = noise(1).images;
    const file = await sharp(digit, { raw: { width: 8, height: 8, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    expect(await model.logits(file)).toEqual(await model.logits(digit));
    await train(model, { train: noise(8) }, { steps: 1, batch: 4 });
    expect(await model.logits(file)).toEqual(await model.logits(digit));
    const data = await folderOf(file);
    for await (const { pixels } of batches(data, { imageSize: 8, channels: 1, batch: 1 }))
      expect(pixels).toEqual(Uint8Array.from(digit));
  });
});
