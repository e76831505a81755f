/** A checkpoint that serves for other classes and other images. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { globalAvgPool } from '../../src/graph/functions.ts';
import type { LoadOptions } from '../../src/model/options.ts';
import { network } from '../../src/models/network.ts';
import { conv } from '../../src/nn/layers.ts';
import { train } from '../../src/train/train.ts';
import { codeOf } from '../support/failures.ts';
import { temporaryFolder } from '../support/folder.ts';
import { noiseBytes } from '../support/noise.ts';
import { loaded, noise, tensorsOf, tiny, tinyConfig, tinyModel } from '../support/training.ts';

const head = ['head.fc.weight', 'head.fc.bias'];
const all = [...tiny.params, ...tiny.buffers].map(({ path }) => path);
const rest = all.filter((path) => !head.includes(path));

/** A checkpoint of a trained model with the classes a to d. */
async function checkpoint(options: { readonly modelEma?: boolean } = {}): Promise<string> {
  const run = join(await temporaryFolder(), 'run');
  const model = await tinyModel({ classNames: ['a', 'b', 'c', 'd'] });
  await train(model, { train: noise(32) }, { steps: 4, batch: 8, run, ...options });
  return join(run, 'checkpoint.safetensors');
}

describe('a checkpoint that is loaded', () => {
  it.each([
    { title: 'fewer classes', options: { classes: 2 }, names: ['0', '1'] },
    { title: 'more classes, by name', options: { classNames: [...'uvwxyz'] }, names: [...'uvwxyz'] },
    { title: 'as many other classes', options: { classNames: [...'efgh'] }, names: [...'efgh'] },
  ] satisfies { title: string; options: LoadOptions; names: string[] }[])(
    'for $title has a new last layer and its own of all others, and says so',
    async ({ options, names }) => {
      const path = await checkpoint();
      const [before, model] = [
        await tensorsOf(await loaded(path)),
        await loaded(path, { ...options, seed: 3 }),
      ];
      const after = await tensorsOf(model);
      for (const name of rest) expect(after[name], name).toEqual(before[name]);
      expect(model.loaded).toEqual({ matched: rest, fresh: head });
      expect(model.classNames).toEqual(names);
      expect(model.graph.classes).toBe(names.length);
      expect(after['head.fc.weight']).toHaveLength(8 * names.length);
      expect(after['head.fc.weight']).not.toEqual(before['head.fc.weight']);
      const [same, other] = [
        await loaded(path, { ...options, seed: 3 }),
        await loaded(path, { ...options, seed: 4 }),
      ];
      expect(await tensorsOf(same)).toEqual(after);
      expect((await tensorsOf(other))['head.fc.weight']).not.toEqual(after['head.fc.weight']);
    },
  );

  it('as it is has nothing new, also where its own classes are named', async () => {
    const path = await checkpoint();
    const plain = await loaded(path);
    expect(plain.loaded).toEqual({ matched: all, fresh: [] });
    const named = await loaded(path, { classNames: [...'abcd'], classes: 4 });
    expect(await tensorsOf(named)).toEqual(await tensorsOf(plain));
    expect((await tinyModel()).loaded).toBeNull();
  });

  it('with its average has that as its weights, and no average', async () => {
    const path = await checkpoint({ modelEma: true });
    const [plain, average] = [await loaded(path), await loaded(path, { weights: 'ema' })];
    const weights = await tensorsOf(average);
    for (const name of all) expect(weights[name], name).toEqual([...(await plain.readTensor(name, 'ema'))]);
    expect(weights['head.fc.weight']).not.toEqual((await tensorsOf(plain))['head.fc.weight']);
    expect(await codeOf(average.readTensor('head.fc.weight', 'ema'))).toBe('ERR_UNKNOWN_NAME');
    const other = await tensorsOf(await loaded(path, { weights: 'ema', classes: 2 }));
    for (const name of rest) expect(other[name], name).toEqual(weights[name]);
  });

  it('with an average that it does not have is refused', async () => {
    expect(await codeOf(loaded(await checkpoint(), { weights: 'ema' }))).toBe('ERR_CONFIG');
  });

  it('for another size of images has the same weights', async () => {
    const path = await checkpoint();
    const model = await loaded(path, { input: [1, 12, 16] });
    expect(model.input).toMatchObject({ channels: 1, height: 12, width: 16, mean: tiny.input.mean });
    expect(await tensorsOf(model)).toEqual(await tensorsOf(await loaded(path)));
    expect(await model.predict(noiseBytes(12 * 16))).toHaveLength(1);
  });

  it('for other classes is trained on, with what is frozen as it was, and saved and loaded', async () => {
    const path = await checkpoint({ modelEma: true });
    const model = await loaded(path, { classes: 5 });
    const before = await tensorsOf(model);
    await train(
      model,
      { train: noise(32) },
      { steps: 4, batch: 8, freeze: ['stem', 'stage1', 'stage2', 'head.bn'] },
    );
    const after = await tensorsOf(model);
    const moved = tiny.params
      .map(({ path: of }) => of)
      .filter((of) => String(after[of]) !== String(before[of]));
    expect(moved).toEqual(head);
    const copy = join(await temporaryFolder(), 'copy.safetensors');
    await model.save(copy);
    expect(await tensorsOf(await loaded(copy))).toEqual(after);
    expect(await codeOf(model.evaluate(noise(8), { weights: 'ema' }))).toBe('ERR_CONFIG');
  });

  it.each([
    { title: 'names of another number', options: { classes: 3, classNames: ['a'] }, code: 'ERR_CONFIG' },
    { title: 'no class', options: { classes: 0 }, code: 'ERR_CONFIG' },
    { title: 'more classes than can be named', options: { classes: 1e9 }, code: 'ERR_CONFIG' },
    { title: 'other channels', options: { input: [3, 8, 8] }, code: 'ERR_SHAPE' },
    { title: 'channels at the end', options: { input: [8, 8, 1] }, code: 'ERR_CONFIG' },
    { title: 'an unknown option', options: { klasses: 3 }, code: 'ERR_CONFIG' },
  ])('is refused: $title', async ({ options, code }) => {
    expect(await codeOf(loaded(await checkpoint(), options as LoadOptions))).toBe(code);
  });

  it('is refused for other classes where the network does not end in a linear layer', async () => {
    const graph = network({
      ...tinyConfig,
      head: (classes) => (s, channels) => {
        const last = conv(s.at('last'), { in: channels, out: classes, kernel: 1, stride: 1 });
        return (u) => globalAvgPool(last(u));
      },
    });
    const path = join(await temporaryFolder(), 'model.safetensors');
    await (await tinyModel({}, graph)).save(path);
    expect(await codeOf(loaded(path, { classes: 5 }))).toBe('ERR_CONFIG');
  });
});
