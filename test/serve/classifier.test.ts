import { createReadStream } from 'node:fs';
import { readFile, truncate } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { availableCores } from '../../src/cores.ts';
import { must } from '../../src/must.ts';
import { Classifier } from '../../src/serve/classifier.ts';
import type { ClassifierImage } from '../../src/serve/givenImage.ts';
import { codeOf } from '../support/failures.ts';
import { noiseBytes } from '../support/noise.ts';
import { tinyModel } from '../support/training.ts';
import { classNames, noisePng, openedTiny, savedTiny } from './support.ts';

describe('a classifier', () => {
  it('gives what predict gives, whatever images share a batch', async () => {
    const path = await savedTiny(3, 'float64');
    const model = await tinyModel({ seed: 3, dtype: 'float64', classNames });
    const images = Array.from({ length: 23 }, (_, i) => noiseBytes(64, i));
    const alone = await Promise.all(images.map(async (image) => (await model.predict(image))[0]));
    for (const maxBatch of [1, 3, 8, 32]) {
      const classifier = await openedTiny({ maxBatch }, path);
      const answers = await Promise.all(images.map((image) => classifier.classify(image)));
      for (const [i, { label, top }] of answers.entries()) {
        expect(label).toBe(alone[i]?.label);
        expect(top.map(({ index }) => index)).toEqual(alone[i]?.top.map(({ index }) => index));
        for (const [k, { probability }] of top.entries())
          expect(probability).toBeCloseTo(alone[i]?.top[k]?.probability ?? Number.NaN, 7);
      }
      const { images: counted, batches } = classifier.stats();
      expect(counted).toEqual({ done: 23, failed: 0, aborted: 0, refused: 0 });
      const sizes = Object.entries(batches.sizes).map(([one, n]) => Number(one) * n);
      expect(sizes.reduce((a, b) => a + b)).toBe(23);
      expect(Math.max(...Object.keys(batches.sizes).map(Number))).toBeLessThanOrEqual(maxBatch);
    }
  });

  it('computes side by side with replicas, and gives what predict gives', async () => {
    const path = await savedTiny(3, 'float64');
    const model = await tinyModel({ seed: 3, dtype: 'float64', classNames });
    const classifier = await openedTiny({ replicas: 3, maxBatch: 2 }, path);
    const images = Array.from({ length: 40 }, (_, i) => noiseBytes(64, i));
    const calls = images.map((image) => classifier.classify(image));
    expect(classifier.stats().queue).toMatchObject({ computing: 3, waiting: 37 });
    for (const [i, { label, probability }] of (await Promise.all(calls)).entries()) {
      const [alone] = await model.predict(must(images[i]));
      expect(label).toBe(alone?.label);
      expect(probability).toBeCloseTo(alone?.probability ?? Number.NaN, 7);
    }
    await classifier.reload(await savedTiny(4, 'float64'));
    const other = await tinyModel({ seed: 4, dtype: 'float64', classNames });
    const after = await Promise.all(images.slice(0, 9).map((image) => classifier.classify(image)));
    for (const [i, { probability }] of after.entries()) {
      const [alone] = await other.predict(must(images[i]));
      expect(probability).toBeCloseTo(alone?.probability ?? Number.NaN, 7);
    }
  });

  it('says how it uses the machine and why, with the options and without', async () => {
    const told = await openedTiny({ replicas: 2, decoders: 3, threads: 2, maxBatch: 5 });
    const { chosen, ...numbers } = told.plan;
    expect(numbers).toEqual({ replicas: 2, decoders: 3, threads: 2, maxBatch: 5, amp: 'none' });
    expect(chosen.match(/as told/g)).toHaveLength(3);
    expect(told.stats().plan).toEqual(told.plan);
    const free = await openedTiny({ threads: 1 });
    expect(free.plan).toMatchObject({ replicas: 1, threads: 1, decoders: availableCores() });
    expect(free.plan.chosen).toContain('one for every 16 threads');
  });

  it('takes paths, bytes, blobs, streams and pixels, alone and as a list', async () => {
    const classifier = await openedTiny();
    const path = await noisePng(5);
    const bytes = await readFile(path);
    const forms: ClassifierImage[] = [
      path,
      bytes,
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
      new Blob([bytes]),
      createReadStream(path, { highWaterMark: 7 }),
      new Blob([bytes]).stream(),
      noiseBytes(64, 5),
    ];
    const answers = await classifier.classify(forms, { topK: 2 });
    const [expected] = await (await tinyModel({ classNames })).predict(noiseBytes(64, 5));
    for (const { label, probability } of answers) {
      expect(label).toBe(expected?.label);
      expect(probability).toBeCloseTo(expected?.probability ?? Number.NaN, 5);
    }
    expect(answers[0]?.top).toHaveLength(2);
    expect((await classifier.classify(path)).label).toBe(answers[0]?.label);
  });

  it.each([
    { title: 'no image', images: [], code: 'ERR_SHAPE' },
    { title: 'half an image of pixels', images: noiseBytes(32), code: 'ERR_SHAPE' },
    { title: 'two images of pixels in a row', images: noiseBytes(128), code: 'ERR_SHAPE' },
    { title: 'a number', images: 7, code: 'ERR_CONFIG' },
    { title: 'nothing', images: undefined, code: 'ERR_CONFIG' },
    { title: 'null', images: [null], code: 'ERR_CONFIG' },
    { title: 'a path that is not there', images: 'no-such.png', code: 'ERR_FILE' },
    { title: 'a folder', images: '.', code: 'ERR_FILE' },
    { title: 'a torn file', images: Buffer.from('89504e470d0a1a0a00', 'hex'), code: 'ERR_IMAGE' },
    { title: 'a stream of text', images: new Blob(['not an image']), code: 'ERR_IMAGE' },
    { title: 'a topK of 0', images: noiseBytes(64), options: { topK: 0 }, code: 'ERR_CONFIG' },
    { title: 'an unknown option', images: noiseBytes(64), options: { topk: 1 }, code: 'ERR_CONFIG' },
    { title: 'a signal that is none', images: noiseBytes(64), options: { signal: {} }, code: 'ERR_CONFIG' },
  ])('refuses $title with $code, and goes on', async ({ images, options = {}, code }) => {
    const classifier = await openedTiny();
    expect(await codeOf(classifier.classify(images as ClassifierImage, options as object))).toBe(code);
    expect(classifier.stats().queue).toMatchObject({ waiting: 0, computing: 0 });
    expect((await classifier.classify(noiseBytes(64))).top).toHaveLength(4);
  });

  it.each([
    { title: 'bytes', maxBytes: 40 },
    { title: 'pixels', maxPixels: 63 },
  ])('refuses files of more $title than its limit', async ({ title: _, ...limit }) => {
    const classifier = await openedTiny(limit);
    const path = await noisePng(1);
    const code = 'maxBytes' in limit ? 'ERR_TOO_LARGE' : 'ERR_IMAGE';
    expect(await codeOf(classifier.classify(await readFile(path)))).toBe(code);
    expect(await codeOf(classifier.classify(createReadStream(path)))).toBe(code);
    expect(await codeOf(classifier.classify(path))).toBe('maxBytes' in limit ? 'ERR_FILE' : code);
  });

  it.each([
    { options: { maxBatch: 0 }, code: 'ERR_CONFIG' },
    { options: { maxDelayMs: -1 }, code: 'ERR_CONFIG' },
    { options: { maxbatch: 1 }, code: 'ERR_CONFIG' },
    { options: { replicas: 0 }, code: 'ERR_CONFIG' },
    { options: { replicas: 65 }, code: 'ERR_CONFIG' },
    { options: { device: 'gpu' }, code: 'ERR_CONFIG' },
    { options: { amp: 'int8' }, code: 'ERR_CONFIG' },
    { options: { device: 'cuda:77' }, code: 'ERR_DEVICE' },
    { options: { weights: 'ema' }, code: 'ERR_CONFIG' },
    { options: { amp: 'bfloat16' }, dtype: 'float64', code: 'ERR_CONFIG' },
  ])('is not opened with $options', async ({ options, dtype, code }) => {
    const path = await savedTiny(1, dtype as 'float64' | undefined);
    expect(await codeOf(Classifier.open(path, options as object))).toBe(code);
  });

  it('computes in the type that its option names', async () => {
    const path = await savedTiny();
    const pixels = noiseBytes(64);
    const [exact, half] = [await openedTiny({}, path), await openedTiny({ amp: 'bfloat16' }, path)];
    expect([exact.plan.amp, half.plan.amp]).toEqual(['none', 'bfloat16']);
    const auto = await openedTiny({ amp: 'auto' }, path);
    const named = auto.plan.amp === 'none' ? exact : half;
    expect(await auto.classify(pixels)).toEqual(await named.classify(pixels));
    expect(await half.classify(pixels)).not.toEqual(await exact.classify(pixels));
    const double = await openedTiny({ amp: 'auto' }, await savedTiny(1, 'float64'));
    expect(double.plan.amp).toBe('none');
  });

  it('leaves the queue of an aborted call, and has ERR_ABORTED with its reason', async () => {
    const classifier = await openedTiny({ maxBatch: 1 });
    const controller = new AbortController();
    const first = classifier.classify(noiseBytes(64));
    const gone = classifier.classify(noiseBytes(64), { signal: controller.signal });
    controller.abort(new Error('left'));
    await expect(gone).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: { message: 'left' } });
    await first;
    expect(classifier.stats().images).toEqual({ done: 1, failed: 0, aborted: 1, refused: 0 });
  });

  it('is ERR_BUSY at once when its queue is full', async () => {
    const classifier = await openedTiny({ maxBatch: 1, maxQueue: 2 });
    const calls = Array.from({ length: 6 }, () => codeOf(classifier.classify(noiseBytes(64))));
    const codes = await Promise.all(calls);
    expect(codes).toEqual(['none', 'none', 'none', 'ERR_BUSY', 'ERR_BUSY', 'ERR_BUSY']);
    expect(classifier.stats().images).toMatchObject({ done: 3, refused: 3 });
  });
});

describe('reloading', () => {
  it('answers calls taken before by the old checkpoint, later ones by the new, and drops none', async () => {
    const [old, fresh] = [await savedTiny(1), await savedTiny(2)];
    const classifier = await openedTiny({ maxBatch: 2 }, old);
    const image = noiseBytes(64, 9);
    const ofOld = (await classifier.classify(image)).probability;
    const ofNew = (await (await openedTiny({}, fresh)).classify(image)).probability;
    expect(ofOld).not.toBeCloseTo(ofNew, 5);
    let loading = true;
    const during: Promise<number>[] = [];
    const loaded = classifier.reload(fresh).then(() => {
      loading = false;
    });
    while (loading) {
      during.push(classifier.classify(image).then(({ probability }) => probability));
      await new Promise((resolve) => setImmediate(resolve));
      if (during.length % 8 === 0) await during.at(-1);
    }
    await loaded;
    for (const probability of await Promise.all(during)) expect(probability).toBeCloseTo(ofOld, 5);
    expect((await classifier.classify(image)).probability).toBeCloseTo(ofNew, 5);
  });

  it.each([
    { title: 'torn', tear: (path: string) => truncate(path, 4000), code: 'ERR_CHECKPOINT' },
    { title: 'empty', tear: (path: string) => truncate(path, 0), code: 'ERR_CHECKPOINT' },
  ])('refuses a file that is $title, and goes on with the old', async ({ tear, code }) => {
    const classifier = await openedTiny();
    const before = await classifier.classify(noiseBytes(64));
    const torn = await savedTiny(2);
    await tear(torn);
    expect(await codeOf(classifier.reload(torn))).toBe(code);
    expect(await codeOf(classifier.reload('no-such.safetensors'))).toBe('ERR_FILE');
    expect(await classifier.classify(noiseBytes(64))).toEqual(before);
  });

  it('is ERR_CLOSED after closing, also where that came while it loaded', async () => {
    const path = await savedTiny(1);
    const classifier = await openedTiny({}, path);
    const loading = codeOf(classifier.reload(path));
    await classifier.close();
    expect([await loading, await codeOf(classifier.reload(path))]).toEqual(['ERR_CLOSED', 'ERR_CLOSED']);
  });
});

describe('closing', () => {
  it('answers what was taken, refuses what comes, and may be asked twice', async () => {
    const classifier = await openedTiny({ maxBatch: 2 });
    const path = await noisePng(2);
    const calls = [noiseBytes(64), path, path, noiseBytes(64)].map((image) => classifier.classify(image));
    const closed = classifier.close();
    expect(await codeOf(classifier.classify(noiseBytes(64)))).toBe('ERR_CLOSED');
    await Promise.all([closed, classifier.close()]);
    for (const { top } of await Promise.all(calls)) expect(top).toHaveLength(4);
    expect(classifier.closed).toBe(true);
  });
});
