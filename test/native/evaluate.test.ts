/** Loss and accuracy over labelled images, against plain TypeScript on the logits of predictions. */
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { globalAvgPool } from '../../src/graph/functions.ts';
import { type Graph, trace } from '../../src/graph/graph.ts';
import { network } from '../../src/models/network.ts';
import type { NativeEvaluation, NativeLoaderSpec, NativeSource } from '../../src/native/binding.ts';
import { linear } from '../../src/nn/layers.ts';
import { wholeImage } from '../../src/transforms/preprocessing.ts';
import { addon } from '../support/addon.ts';
import { codeOf } from '../support/failures.ts';
import { writeFiles } from '../support/files/images.ts';
import { temporaryFolder } from '../support/folder.ts';
import { uniform } from '../support/graphs/formula.ts';
import { thin } from '../support/graphs/nets.ts';
import { evaluationLoader } from '../support/loader.ts';
import { nativeModel, plainInput, randomSource } from '../support/natives.ts';
import { noiseBytes } from '../support/noise.ts';
import { crossEntropy, isAmong, mean } from '../support/softmax.ts';
import { distance } from '../support/tensor.ts';

const rowsOf = (logits: ArrayLike<number>, classes: number): number[][] =>
  Array.from({ length: logits.length / classes }, (_, i) =>
    Array.from({ length: classes }, (_, j) => logits[i * classes + j] ?? Number.NaN),
  );

describe.each([1, 4, 5, 13, 64])('an evaluation of 13 images, %d at a time', (batch) => {
  it.each(['float32', 'float64'] as const)(
    'counts each once and has the loss and accuracy of its predictions in %s',
    async (dtype) => {
      const classes = 9;
      const graph = network({ ...thin, classes });
      const images = Uint8Array.from(uniform('images', 13 * 192), (r) => 256 * r);
      const labels = Int32Array.from(uniform('labels', 13), (r) => classes * r);
      const model = nativeModel(graph, dtype);
      const source = new (addon().Source)({
        kind: 'memory',
        images,
        labels,
        height: 8,
        width: 8,
        channels: 3,
      });
      const rows = rowsOf(await model.predict(images, 13, 8, 8), classes);
      const right = (k: number): number =>
        rows.filter((row, i) => isAmong(k, row, labels[i] ?? 0)).length / 13;
      const found = await model.evaluate(source, [evaluationLoader(graph.input, batch)], {});
      expect(found).toMatchObject({ count: 13, top1: right(1), top5: right(5) });
      const loss = mean(rows.map((row, i) => crossEntropy(row, labels[i] ?? 0)));
      expect(distance([found.loss], [loss])).toBeLessThan(1e-6);
    },
  );
});

/** A model whose logits are the same for every image: the bias. */
async function constantLogits(logits: readonly number[]): Promise<NativeEvaluation[]> {
  const classes = logits.length;
  const graph: Graph = trace('constant', plainInput(1, 1, 1), (s, x) =>
    linear(s, { in: 1, out: classes })(globalAvgPool(x)),
  );
  const model = nativeModel(graph, 'float64', null);
  await model.writeTensor('bias', 'value', Float64Array.from(logits));
  return Promise.all(
    logits.map((_, label) => {
      const labels = Int32Array.of(label);
      const source = new (addon().Source)({
        kind: 'memory',
        images: new Uint8Array(1),
        labels,
        height: 1,
        width: 1,
        channels: 1,
      });
      return model.evaluate(source, [evaluationLoader({ height: 1, width: 1, channels: 1 }, 1)], {});
    }),
  );
}

describe('logits', () => {
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

  it.each([
    ['all equal', Array(8).fill(0)],
    ['equal in pairs', [1, 2, 2, 1, 3, 3, 0, 0]],
    ['fewer than five', [3, 1, 2]],
    ['with one NaN', [1, 2, nan, 3, 4, 5, 6]],
    ['all NaN', Array(7).fill(nan)],
    ['all NaN and fewer than five', Array(3).fill(nan)],
    ['infinite', [infinity, 1, infinity, -infinity, 2, 3, 4]],
  ] as const)(
    'that are %s rank by value, then by index; one that is not finite makes all wrong',
    async (_, logits) => {
      const found = await constantLogits(logits);
      for (const k of [1, 5] as const)
        expect(found.map((of) => (k === 1 ? of.top1 : of.top5))).toEqual(
          logits.map((_, label) => (isAmong(k, logits, label) ? 1 : 0)),
        );
      const allFinite = logits.every(Number.isFinite);
      for (const { nonFinite, loss } of found) {
        expect(nonFinite).toBe(allFinite ? 0 : 1);
        expect(Number.isFinite(loss)).toBe(allFinite);
      }
    },
  );

  it('that are large keep a finite loss', async () => {
    const found = await constantLogits([1000, 0, -1000]);
    expect(found.map(({ loss }) => loss)).toEqual([0, 1000, 2000]);
  });
});

describe('an evaluation of the first batches', () => {
  it.each([0, 1, 3])('reads no image behind them, with %d workers', async (workers) => {
    const folder = await temporaryFolder();
    const torn = Object.fromEntries(['2', '3', '4', '5'].map((name) => [name, Buffer.from('none')]));
    const png = sharp(noiseBytes(3 * 500 * 500), { raw: { width: 500, height: 500, channels: 3 } }).png();
    const image = await png.toBuffer();
    await writeFiles(folder, { 0: image, 1: image, ...torn });
    const labels = Int32Array.from({ length: 6 }, (_, i) => i % 3);
    const names = [...'012345'].map((name) => `${name}\0`).join('');
    const source = new (addon().Source)({ kind: 'files', folder, names, labels });
    const graph = network({ ...thin, classes: 3 });
    const loader: NativeLoaderSpec = {
      ...evaluationLoader({ height: 8, width: 8, channels: 3 }, 1),
      ...{ mean: [0, 0, 0], std: [1, 1, 1], transform: wholeImage(8), onBadImage: 'throw' as const },
      ...{ workers, prefetch: 6 },
    };
    for (const batches of [1, 2]) {
      const found = await nativeModel(graph).evaluate(source, [{ ...loader, batches }], {});
      expect(found).toMatchObject({ count: batches, bad: [] });
    }
    const told: NativeLoaderSpec = { ...loader, batches: 2, onBadImage: 'replace', badImageLimit: 9 };
    expect((await nativeModel(graph).evaluate(source, [told], {})).bad).toEqual([]);
    const all = { ...told, batches: 0 };
    expect((await nativeModel(graph).evaluate(source, [all], {})).bad).toHaveLength(4);
  });

  it('knows no batch behind them, and no negative number', async () => {
    const graph = network({ ...thin, classes: 3 });
    const spec = { ...evaluationLoader(graph.input, 2), batches: 2 };
    const loader = new (addon().Loader)(randomSource(graph, 20), spec);
    expect(loader.batches).toBe(2);
    expect((await loader.at(1)).labels).toHaveLength(2);
    expect(await codeOf(loader.at(2))).toBe('ERR_CONFIG');
    loader.close();
    const none = (): unknown => new (addon().Loader)(randomSource(graph, 20), { ...spec, batches: -1 });
    expect(await codeOf(() => void none())).toBe('ERR_CONFIG');
  });
});

describe('several views of images', () => {
  const size = { height: 8, width: 8, channels: 3 };
  const graph = network({ ...thin, classes: 5 });
  const plain: NativeLoaderSpec = {
    ...evaluationLoader(size, 2),
    mean: [0, 0, 0],
    std: [1, 1, 1],
    transform: wholeImage(8),
    badImageLimit: 10,
  };
  const mirrored = { ...plain, transform: [...plain.transform, { kind: 'horizontalFlip', p: 1 }] };
  /** Takes no image of more pixels than the small ones have. */
  const narrow = { ...mirrored, decoding: { ...plain.decoding, maxPixels: 64 } };

  async function files(): Promise<(names: readonly string[]) => NativeSource> {
    const folder = await temporaryFolder();
    const png = (side: number, seed: number): Promise<Buffer> =>
      sharp(noiseBytes(3 * side * side, seed), { raw: { width: side, height: side, channels: 3 } })
        .png()
        .toBuffer();
    const sides = { small0: 8, large1: 12, small2: 8, small3: 8, large4: 16 };
    const made = Object.entries(sides).map(async ([name, side], i) => [name, await png(side, i)] as const);
    await writeFiles(folder, { ...Object.fromEntries(await Promise.all(made)), torn: Buffer.from('none') });
    return (names) =>
      new (addon().Source)({
        kind: 'files',
        folder,
        names: names.map((name) => `${name}\0`).join(''),
        labels: Int32Array.from(names, (name) => Number(name.at(-1)) || 0),
      });
  }

  it.each([1, 2, 3, 8])('count the images that all of them have, %d at a time', async (batch) => {
    const model = nativeModel(graph);
    const source = await files();
    const all = source(['small0', 'large1', 'torn', 'small2', 'small3', 'large4']);
    const evaluate = (of: NativeSource, ...views: readonly NativeLoaderSpec[]): Promise<NativeEvaluation> =>
      model.evaluate(
        of,
        views.map((view) => ({ ...view, batch })),
        { detail: true },
      );
    const few = await evaluate(source(['small0', 'small2', 'small3']), plain, mirrored);
    for (const views of [
      [plain, narrow],
      [narrow, plain],
    ]) {
      const { bad, loss, bins, ...found } = await evaluate(all, ...views);
      expect(bad.map(({ name }) => name.replace(/^.*\//, '')).toSorted()).toEqual([
        'large1',
        'large4',
        'torn',
      ]);
      const { loss: wanted, bins: full, bad: none, ...counts } = few;
      expect(none).toEqual([]);
      expect(found).toEqual({ ...counts, count: 3 });
      expect(distance([loss], [wanted])).toBeLessThan(1e-12);
      expect(distance([...(bins ?? [])], [...(full ?? [])])).toBeLessThan(1e-12);
    }
  });

  it('are refused where they have no image in common, or are none', async () => {
    const model = nativeModel(graph);
    const source = (await files())(['large1', 'large4']);
    expect(await codeOf(model.evaluate(source, [plain, narrow], {}))).toBe('ERR_DATASET');
    expect(await codeOf(() => model.evaluate(source, [], {}))).toBe('ERR_CONFIG');
  });
});
